// A C target needs one source file; all that is here is inline.
#include "processor.h"
