// Counts the heap allocations of the calling thread, for the tests that promise none.
#ifndef CALLOCATIONCOUNTER_H
#define CALLOCATIONCOUNTER_H

#include <stdint.h>

// Calls of malloc, calloc, realloc and the aligned variants by this thread since it began.
uint64_t ab_allocations(void);

#endif
