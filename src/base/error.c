#include "base/error.h"

GQuark marquee_error_quark(void)
{
    return g_quark_from_static_string("marquee");
}

const char *marquee_error_name(int code)
{
    static const char *const names[] = {
        "AGAIN", "BADDATA", "NOTFOUND", "CONFLICT", "FENCED", "DENIED", "CONFIG", "FAILED",
    };
    return code >= 0 && code < (int)G_N_ELEMENTS(names) ? names[code] : "UNKNOWN";
}
