/* NVML's functions that mtad calls, for GPUS made-up GPUs. Compiled with its answers given as macros. */
typedef int nvmlReturn_t; /* 0 success, 3 not supported, 4 no permission, 9 driver not loaded */

static int open_count = 0;
static unsigned long long millijoules[8];

/* Handles that differ in their upper half, so that a pointer cut to 32 bits shows. */
static void *handle_of(unsigned index) { return (void *)(0x7f0100000040ULL + ((unsigned long long)index << 32)); }

nvmlReturn_t nvmlInit_v2(void) {
    if (INIT == 0) open_count++;
    return INIT;
}

nvmlReturn_t nvmlShutdown(void) { return open_count-- > 0 ? 0 : 1; }

int fake_open_count(void) { return open_count; }

const char *nvmlErrorString(nvmlReturn_t code) {
    switch (code) {
    case 3: return "Not Supported";
    case 4: return "Insufficient Permissions";
    case 9: return "Driver Not Loaded";
    default: return "Unknown Error";
    }
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
    *count = GPUS;
    return 0;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    if (index == FORBIDDEN) return 4;
    *device = handle_of(index);
    return 0;
}

/* GPU-0000..., GPU-1111..., as long as real ones */
nvmlReturn_t nvmlDeviceGetUUID(void *device, char *uuid, unsigned length) {
    static const char form[] = "GPU-iiiiiiii-iiii-iiii-iiii-iiiiiiiiiiii";
    if (length < sizeof form) return 7;
    for (unsigned i = 0; i < GPUS; i++)
        if (device == handle_of(i))
            for (unsigned at = 0; at < sizeof form; at++) uuid[at] = form[at] == 'i' ? (char)('0' + i) : form[at];
    return 0;
}

/* From beyond 32 bits, GPU i counts 1500 (i + 1) mJ more each time it is asked. */
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *energy) {
    for (unsigned i = 0; i < GPUS; i++) {
        if (device != handle_of(i) || open_count == 0) continue;
        if (i == UNSUPPORTED) return 3;
        millijoules[i] += 1500 * (i + 1);
        *energy = 5000000000ULL + millijoules[i];
        return 0;
    }
    return 2;
}
