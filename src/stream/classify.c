#include "stream/classify.h"

#include <assert.h>
#include <math.h>

#include "stream/window.h"

static const char *const class_names[RECORD_CLASS_COUNT] = {"used", "duplicate", "expired", "bad"};

const char *record_class_name(enum record_class class)
{
    assert((unsigned)class < RECORD_CLASS_COUNT);
    return class_names[class];
}

/* False for NaN too. */
static bool computable(double number)
{
    return fabs(number) <= CLASSIFY_NUMBER_MAX;
}

const char *classify_time(int64_t event_ms)
{
    if (event_ms < CLASSIFY_TIME_MS_MIN || event_ms > CLASSIFY_TIME_MS_MAX)
        return "event time outside the years 0001 to 9999";
    return NULL;
}

const char *classify_rating(const struct rating *rating)
{
    if (!computable(rating->popularity))
        return "popularity isn't a number within 1e9";
    if (!computable(rating->vote_average))
        return "vote_average isn't a number within 1e9";
    return NULL;
}

const char *classify_review(const struct review *review)
{
    if (review->has_updated_at && classify_time(review->updated_at_ms))
        return "updated_at outside the years 0001 to 9999";
    return NULL;
}

bool classify_expired(int64_t event_ms,
                      bool has_highest,
                      int64_t highest_event_ms,
                      int64_t retention_ms)
{
    return has_highest && hour_start_ms(hour_of(event_ms) + 1) + retention_ms <= highest_event_ms;
}
