// Each file of this folder enters its kernels in the table. Read next: fill.cpp.
#pragma once
#include "core/cpu/kernels.h"
