// xxHash (Debian: libxxhash-dev). Nothing but the include: Swift calls XXH3 as it is.
#include <xxhash.h>
