/* decimal.c: see decimal.h.
 *
 * x * scale is rounded itself, so where it comes out at or near a half it can't tell the side:
 * 0.0015 is a bit more than 15/10000, 0.00145 a bit less than 145/100000. There the exact product
 * decides; fma(x, scale, -product) is exactly what the rounding of the product left over.
 */
#include "sentiment/decimal.h"

#include <math.h>

/* Far above the error of a product below 10^6 (10^-10), far below what is seldom met. */
#define NEAR_A_HALF 1e-6

double decimal_round(double x, double scale)
{
    double size = fabs(x), product = size * scale;
    int below = (int)product;
    double over_half = product - below - 0.5; /* exact */

    if (fabs(over_half) < NEAR_A_HALF) {
        double exact = over_half + fma(size, scale, -product); /* its sign is */
        below += exact > 0 || (exact == 0 && below % 2 != 0);
    } else {
        below += over_half > 0;
    }
    return copysign(below / scale, x);
}
