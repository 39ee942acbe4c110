/* decimal.h: Python's round(x, n), which rounds the exact value of a double to a decimal. */
#ifndef MARQUEE_SENTIMENT_DECIMAL_H
#define MARQUEE_SENTIMENT_DECIMAL_H

/* round(x, n) for 10^n = scale and |x| <= 1, scale <= 10^6: the double nearest to that decimal
 * which is nearest to the exact value of x; of two equally near ones the even one. Keeps the sign:
 * -0.00001 becomes -0.0, as in Python. */
double decimal_round(double x, double scale);

#endif
