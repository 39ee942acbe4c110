/* Number: a double as the shortest decimal text that reads back as the same double, in the C locale
 * whatever the process' locale is ("0.1", "4", "1e+09"). Any thread. */
#pragma once

#define NUMBER_TEXT_BYTES 40

/* Into buffer; returns buffer. NaN and infinities become "NaN", "+Inf" and "-Inf", as Prometheus
 * writes them. */
char *number_text(double number, char buffer[NUMBER_TEXT_BYTES]);
