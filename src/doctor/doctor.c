#include "doctor/doctor.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/config.h"
#include "doctor/doctor_internal.h"
#include "speed/speed.h"

void doctor_unable(struct doctor *doctor, const char *check, const GError *error)
{
    findings_add(doctor->findings, FINDING_NOTE, check, NULL, "couldn't be looked at: %s",
                 error ? error->message : "its store isn't open");
}

void doctor_fine(struct doctor *doctor, const char *check, const char *format, ...)
{
    for (size_t i = 0; i < findings_count(doctor->findings); i++)
        if (g_str_equal(findings_get(doctor->findings, i)->check, check))
            return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    findings_add(doctor->findings, FINDING_OK, check, NULL, "%s", text);
}

const char *doctor_span(struct doctor *doctor, int64_t span_ms)
{
    double seconds = (double)span_ms / (double)MS_PER_SECOND;
    if (seconds < 120)
        return arena_printf(doctor->arena, "%.0f s", seconds);
    if (seconds < 7200)
        return arena_printf(doctor->arena, "%.0f min", seconds / 60);
    return arena_printf(doctor->arena, "%.1f h", seconds / 3600);
}

static void check_disk(struct doctor *doctor)
{
    static const char check[] = "disk.space";
    static const char advice[] =
        "free some: stores answer with errors when it is full, and nothing is written half";
    const char *folder = doctor->context->config->data_dir;
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0) {
        findings_add(doctor->findings, FINDING_NOTE, check, NULL, "%s: %s", folder,
                     g_strerror(errno));
        return;
    }
    int64_t free_bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
    enum finding_level level = free_bytes < DOCTOR_DISK_BAD_BYTES    ? FINDING_BAD
                               : free_bytes < DOCTOR_DISK_WARN_BYTES ? FINDING_WARN
                                                                     : FINDING_OK;
    findings_add(doctor->findings, level, check, level == FINDING_OK ? NULL : advice,
                 "%.1f GB free where data.dir (%s) is", (double)free_bytes / 1e9, folder);
}

static const struct {
    const char *name;
    void (*look)(struct doctor *doctor);
} checks[] = {
    {"disk", check_disk},         {"idle partitions", check_idle_partitions},
    {"schemas", check_schemas},   {"dead letters", check_deadletters},
    {"stream", check_stream_lag}, {"transactions", check_transactions},
    {"sync", check_sync},         {"batch", check_batch_late},
    {"runs", check_batch_runs},   {"files", check_small_files},
};

/* Takes what could be opened; says what couldn't. */
static void opened(struct doctor *doctor, const char *check, const void *store, GError *error)
{
    if (!store)
        findings_add(doctor->findings, FINDING_BAD, check,
                     "mend what the error says; checks that need it are left out", "%s",
                     error->message);
    g_clear_error(&error);
}

static void open_stores(struct doctor *doctor)
{
    const struct context *context = doctor->context;
    GError *error = NULL;
    doctor->bus = bus_open(context, &error);
    opened(doctor, "bus.open", doctor->bus, g_steal_pointer(&error));
    doctor->registry = registry_open(context, &error);
    opened(doctor, "registry.open", doctor->registry, g_steal_pointer(&error));
    doctor->lake = lake_open(context, &error);
    opened(doctor, "lake.open", doctor->lake, g_steal_pointer(&error));
    /* Before the store is opened, which makes what is missing. */
    if (!view_inspect(context, doctor->findings, &error))
        opened(doctor, "views.look", NULL, g_steal_pointer(&error));
    doctor->view = view_open(context, &error);
    opened(doctor, "views.open", doctor->view, g_steal_pointer(&error));
    doctor->speed = speed_open(context, &error);
    opened(doctor, "speed.open", doctor->speed, g_steal_pointer(&error));
    if (doctor->speed && !speed_inspect(doctor->speed, doctor->findings, &error))
        opened(doctor, "speed.look", NULL, g_steal_pointer(&error));
}

void doctor_examine(const struct context *context, struct findings *findings)
{
    struct doctor doctor = {.context = context,
                            .findings = findings,
                            .arena = arena_new(),
                            .fetched = arena_new(),
                            .now_ms = clock_now_ms(context->clock)};
    open_stores(&doctor);
    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++)
        checks[i].look(&doctor);
    speed_close(doctor.speed);
    view_close(doctor.view);
    lake_close(doctor.lake);
    registry_close(doctor.registry);
    bus_close(doctor.bus);
    arena_free(doctor.fetched);
    arena_free(doctor.arena);
}
