/* marquee doctor: what will hurt, and what to do. Exit code 1 where something hurts now. */
#include <stdio.h>

#include "base/json_writer.h"
#include "cli/app.h"
#include "cli/commands.h"
#include "doctor/doctor.h"

static void print_text(const struct findings *findings)
{
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *finding = findings_get(findings, i);
        printf("%-5s %-20s %s\n", finding_level_name(finding->level), finding->check,
               finding->text);
        if (finding->advice)
            printf("%-26s → %s\n", "", finding->advice);
    }
}

static void print_json(const struct findings *findings)
{
    g_autoptr(GString) out = g_string_new(NULL);
    json_write_object(out);
    json_add_string(out, "worst", finding_level_name(findings_worst(findings, NULL)));
    json_write_key(out, "findings");
    json_write_array(out);
    for (size_t i = 0; i < findings_count(findings); i++) {
        const struct finding *finding = findings_get(findings, i);
        json_write_object(out);
        json_add_string(out, "level", finding_level_name(finding->level));
        json_add_string(out, "check", finding->check);
        json_add_string(out, "text", finding->text);
        json_add_string(out, "advice", finding->advice);
        json_write_object_end(out);
    }
    json_write_array_end(out);
    json_write_object_end(out);
    puts(out->str);
}

static int examine(struct app *app)
{
    struct findings *findings = findings_new();
    doctor_examine(&app->context, findings);
    if (app->options.json)
        print_json(findings);
    else
        print_text(findings);
    bool hurts = findings_worst(findings, NULL) == FINDING_BAD;
    findings_free(findings);
    return hurts ? EXIT_FAILED : EXIT_DONE;
}

int cmd_doctor(int argc, char **argv)
{
    struct app app = {0};
    int code = EXIT_USAGE;
    if (app_parse(
            &app, &argc, &argv, NULL,
            "Looks at every part for what will hurt: a late batch, a partition that stands "
            "still, schemas that drift, small files, a full disk. Writes no record. Exit code 1 "
            "where something hurts now.",
            NULL) &&
        app_takes_no_more(argc, argv, 1) && app_start(&app))
        code = examine(&app);
    app_end(&app);
    return code;
}
