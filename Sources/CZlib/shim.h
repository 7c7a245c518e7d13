// zlib (Debian: zlib1g-dev). Nothing but the include: Swift calls it as it is.
#include <zlib.h>
