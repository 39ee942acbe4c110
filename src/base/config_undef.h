/* Ends one reading of config.def (which is included several times, so this has no #pragma once). */
#undef CONFIG_BOOL
#undef CONFIG_INT
#undef CONFIG_DOUBLE
#undef CONFIG_STRING
#undef CONFIG_SECRET
#undef CONFIG_CHOICE
#undef CONFIG_DURATION
#undef CONFIG_SIZE
