// Counts the heap allocations of the calling thread, for the tests that promise none.
#ifndef CALLOCATIONCOUNTER_H
#define CALLOCATIONCOUNTER_H

#include <stdbool.h>
#include <stdint.h>

// Whether this build counts: one with a sanitizer does not, and a test that promises no allocation must be skipped.
bool ab_counts_allocations(void);

// Calls of malloc, calloc, realloc and the aligned variants by this thread since it began.
uint64_t ab_allocations(void);

#endif
