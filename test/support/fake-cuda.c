/* The CUDA driver's functions that mtad calls, for GPUS made-up GPUs of one capability. Compiled with its answers as macros. */
#include <string.h>
typedef int CUresult; /* 0 success, 3 not initialized, 100 no device */

static int is_open = 0;

CUresult cuInit(unsigned flags) {
    is_open = INIT == 0 && flags == 0;
    return INIT;
}

CUresult cuDriverGetVersion(int *version) {
    *version = VERSION;
    return 0;
}

CUresult cuDeviceGetCount(int *count) {
    if (!is_open) return 3;
    *count = GPUS;
    return 0;
}

CUresult cuDeviceGetName(char *name, int length, int device) {
    strncpy(name, device == 0 ? "Abacus 9000" : "Abacus 9001", length);
    return 0;
}

/* Capability 8.0, 8.1, ... of GPU 0, 1, ... */
CUresult cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? CAPABILITY / 10 : attribute == 76 ? CAPABILITY % 10 + device : -1;
    return 0;
}
