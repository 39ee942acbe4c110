/* A struct that has a field of every kind, for the codec's tests. */
#pragma once

#include "model/record.h"

struct sample_item {
    int32_t id;
    bool has_score;
    double score;
    struct span name;
    struct span *tags;
    size_t tags_count;
};

struct sample {
    int32_t i;
    int64_t l;
    double d;
    struct span s, b;
    int32_t e;
    bool has_oi, has_ol, has_od, has_os;
    int32_t oi;
    int64_t ol;
    double od;
    struct span os;
    struct span *strings;
    size_t strings_count;
    struct sample_item *items;
    size_t items_count;
};

static const struct record_field sample_item_fields[] = {
    {"id", FIELD_INT, offsetof(struct sample_item, id), SIZE_MAX, NULL},
    {"score", FIELD_DOUBLE, offsetof(struct sample_item, score),
     offsetof(struct sample_item, has_score), NULL},
    {"name", FIELD_STRING, offsetof(struct sample_item, name), SIZE_MAX, NULL},
    {"tags", FIELD_STRINGS, offsetof(struct sample_item, tags),
     offsetof(struct sample_item, tags_count), NULL},
};
static const struct record_type sample_item_type = {"sample_item", sizeof(struct sample_item),
                                                    sample_item_fields,
                                                    G_N_ELEMENTS(sample_item_fields)};

static const struct record_field sample_fields[] = {
    {"i", FIELD_INT, offsetof(struct sample, i), SIZE_MAX, NULL},
    {"l", FIELD_LONG, offsetof(struct sample, l), SIZE_MAX, NULL},
    {"d", FIELD_DOUBLE, offsetof(struct sample, d), SIZE_MAX, NULL},
    {"s", FIELD_STRING, offsetof(struct sample, s), SIZE_MAX, NULL},
    {"b", FIELD_BYTES, offsetof(struct sample, b), SIZE_MAX, NULL},
    {"e", FIELD_ENUM, offsetof(struct sample, e), SIZE_MAX, NULL},
    {"oi", FIELD_INT, offsetof(struct sample, oi), offsetof(struct sample, has_oi), NULL},
    {"ol", FIELD_LONG, offsetof(struct sample, ol), offsetof(struct sample, has_ol), NULL},
    {"od", FIELD_DOUBLE, offsetof(struct sample, od), offsetof(struct sample, has_od), NULL},
    {"os", FIELD_STRING, offsetof(struct sample, os), offsetof(struct sample, has_os), NULL},
    {"strings", FIELD_STRINGS, offsetof(struct sample, strings),
     offsetof(struct sample, strings_count), NULL},
    {"items", FIELD_RECORDS, offsetof(struct sample, items), offsetof(struct sample, items_count),
     &sample_item_type},
};
static const struct record_type sample_type = {"sample", sizeof(struct sample), sample_fields,
                                               G_N_ELEMENTS(sample_fields)};

/* Every field has a default, so that any subset of them can be missing. */
#define SAMPLE_SCHEMA                                                                              \
    "{'type':'record','name':'Sample','namespace':'test','fields':["                               \
    "{'name':'i','type':'int','default':-7},"                                                      \
    "{'name':'l','type':{'type':'long','logicalType':'timestamp-millis'},'default':9000000000},"   \
    "{'name':'d','type':'double','default':0.5},"                                                  \
    "{'name':'s','type':'string','default':'caf\\u00e9'},"                                         \
    "{'name':'b','type':'bytes','default':'\\u0000\\u00ff'},"                                      \
    "{'name':'e','type':{'type':'enum','name':'E','symbols':['A','B','C'],'default':'C'},'"        \
    "default':'B'},"                                                                               \
    "{'name':'oi','type':['null','int'],'default':null},"                                          \
    "{'name':'ol','type':['null','long'],'default':null},"                                         \
    "{'name':'od','type':['double','null'],'default':1.5},"                                        \
    "{'name':'os','type':['string','null'],'default':'x'},"                                        \
    "{'name':'strings','type':{'type':'array','items':'string'},'default':['p','q']},"             \
    "{'name':'items','type':{'type':'array','items':{'type':'record','name':'Item','fields':["     \
    "{'name':'id','type':'int'},"                                                                  \
    "{'name':'score','type':['null','double'],'default':null},"                                    \
    "{'name':'name','type':'string','default':''},"                                                \
    "{'name':'tags','type':{'type':'array','items':'string'},'default':[]}]}},"                    \
    "'default':[{'id':3,'score':2.5,'name':'n','tags':['t']}]}]}"

/* JSON with ' for ". Newly allocated. */
static inline char *json_quotes(const char *text)
{
    return g_strdelimit(g_strdup(text), "'", '"');
}
