// Catch2 for tests; include it last. Both core/error.h and Catch2 define CHECK: the headers above
// keep ours, the test itself means Catch2's.
#pragma once
#include "core/error.h"
#undef CHECK
#include <catch2/catch.hpp>
