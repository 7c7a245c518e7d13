// The executable's own malloc comes before the C library's, for the program and for every shared library in it.
//
// Not under a sanitizer: it brings a malloc of its own, and its runtime allocates before it is ready for code that it
// has instrumented, as this would be. Then nothing is counted, and ab_counts_allocations says so.
#include "CAllocationCounter.h"

#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)

bool ab_counts_allocations(void) { return false; }
uint64_t ab_allocations(void) { return 0; }

#else

#include <errno.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static __thread uint64_t allocations __attribute__((tls_model("initial-exec")));

bool ab_counts_allocations(void) { return true; }
uint64_t ab_allocations(void) { return allocations; }

void *malloc(size_t size) { allocations++; return __libc_malloc(size); }
void *calloc(size_t count, size_t size) { allocations++; return __libc_calloc(count, size); }
void *realloc(void *old, size_t size) { allocations++; return __libc_realloc(old, size); }
void *memalign(size_t alignment, size_t size) { allocations++; return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { allocations++; return __libc_memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size)
{
    allocations++;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

#endif
