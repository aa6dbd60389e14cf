"""What NVML is asked, against a library of the same calls that knows one GPU and one that is held back."""

import shutil
import subprocess

import pytest

from gpuseg.backends.devices import Driver, Gpu, driver

SOURCE = r"""
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory_t;
static int started = 0;
int nvmlInit_v2(void) { started++; return REFUSED; }
int nvmlShutdown(void) { started--; return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *v) { *v = 13010; return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned n) { strncpy(text, "580.65.06", n); return started == 1 ? 0 : 1; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **device) { *device = (void *)(0x700000000000 + i); return i == 2; }
int nvmlDeviceGetName(void *device, char *text, unsigned n) { strncpy(text, "NVIDIA L4", n); return 0; }
int nvmlDeviceGetMemoryInfo(void *device, memory_t *m) {
  m->total = 24000000000; m->free = 20000000000; m->used = 4000000000;
  return device != (void *)0x700000000000;
}
"""


@pytest.fixture
def library(tmp_path):
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("there is no C compiler here")

    def built(refused=0):
        (tmp_path / "nvml.c").write_text(SOURCE)
        target = tmp_path / f"libnvml{refused}.so"
        command = [compiler, "-shared", "-fPIC", f"-DREFUSED={refused}", "-o", target, tmp_path / "nvml.c"]
        subprocess.run(command, check=True)
        return str(target)

    return built


def test_what_the_driver_says(library):
    known = Gpu("NVIDIA L4", 24_000_000_000, 20_000_000_000)
    found = driver(library())
    assert found == Driver("580.65.06", (13, 1), (known, Gpu("NVIDIA L4", None, None), Gpu("unknown", None, None)))


def test_a_driver_that_does_not_answer(library):
    assert driver(library(refused=9)) is None
