/*
 * A workflow described in JSON, trained on series in memory: it learns which of two groups a subject is of. A progress function is told of
 * its steps, and may end it.
 */

#include "must.h"

#include <math.h>
#include <string.h>

enum { SUBJECTS = 8, TIME = 60, REGIONS = 5, FOLDS = 2 };

/* clang-format off */
static const char WORKFLOW[] = JSON({
    "data": {"rest": {"input": "rest"}, "group": {"input": "group", "as": "subjects"}},
    "parameters": {"weights": {"shape": [10, 1]}, "bias": {"shape": [1]}},
    "blocks": [
        {"name": "connectome", "block": "correlation", "series": "rest"},
        {"name": "edges", "block": "upper_triangle", "of": "connectome"},
        {"name": "score", "block": "linear", "of": "edges", "weights": "weights", "bias": "bias"},
        {"name": "surprise", "block": "logistic_loss", "predicted": "score", "target": "group"}
    ],
    "losses": [{"name": "surprise", "score": "surprise"}],
    "train": {"steps": 60, "rate": 0.1},
    "split": {"folds": 2},
    "metrics": [{"metric": "accuracy", "predicted": "score", "target": "group"}],
    "results": [{"value": "connectome"}]
});
/* clang-format on */

/* What the progress function is told, and where it is to end the run. */
typedef struct {
    size_t calls;
    uint32_t until;
} watcher;

static int32_t progress(void *user, size_t fold, uint32_t step, float loss)
{
    watcher *watching = user;
    watching->calls++;
    if (step % 20 == 0)
        printf("fold %zu, step %u: loss %.4f\n", fold, (unsigned)step, (double)loss);
    return step >= watching->until;
}

/* The regions 0 and 1 of the second group follow the same wave. */
static void simulate(float *rest, float *group)
{
    for (int s = 0; s < SUBJECTS; s++) {
        group[s] = (float)(s % 2);
        for (int t = 0; t < TIME; t++)
            for (int r = 0; r < REGIONS; r++) {
                int wave = s % 2 == 1 && r == 1 ? 0 : r;
                int i = (s * TIME + t) * REGIONS + r;
                rest[i] = sinf((0.2f + 0.17f * (float)wave) * (float)t + (float)s) + 0.2f * sinf((float)i * 78.233f);
            }
    }
}

int main(int argc, char **argv)
{
    static float rest[SUBJECTS * TIME * REGIONS], group[SUBJECTS];
    simulate(rest, group);
    tapetum_device *device = device_of(argc, argv);
    tapetum_workflow *workflow = NULL;
    tapetum_results *results = NULL;
    MUST(tapetum_workflow_of_text(WORKFLOW, NULL, &workflow));
    MUST(tapetum_workflow_array(workflow, "rest",
        &(tapetum_array){.elements = rest, .dtype = TAPETUM_DTYPE_F32, .rank = 3, .shape = {SUBJECTS, TIME, REGIONS}}));
    MUST(tapetum_workflow_array(workflow, "group",
        &(tapetum_array){.elements = group, .dtype = TAPETUM_DTYPE_F32, .rank = 1, .shape = {SUBJECTS}}));

    /* Checked as a whole before anything runs. */
    double subjects = 0.0;
    MUST(tapetum_workflow_check(workflow, &results));
    MUST(tapetum_results_number(results, "/subjects", &subjects));
    CHECK(subjects == (double)SUBJECTS);
    MUST(tapetum_results_free(&results));

    /* A run that the progress function ends. */
    watcher impatient = {.calls = 0, .until = 20};
    CHECK(tapetum_workflow_run(workflow, device, progress, &impatient, &results) == TAPETUM_STATUS_CANCELLED);
    CHECK(results == NULL && impatient.calls == 2);
    CHECK(strcmp(tapetum_message(), "ended by the progress function") == 0);

    /* A whole run. Numbers of the report are read by JSON pointers, arrays by name. */
    watcher patient = {.calls = 0, .until = UINT32_MAX};
    double accuracy = 0.0;
    tapetum_array losses, connectome;
    const char *warnings = NULL;
    MUST(tapetum_workflow_set(workflow, "train.steps", "80"));
    MUST(tapetum_workflow_run(workflow, device, progress, &patient, &results));
    MUST(tapetum_results_number(results, "/metrics/accuracy/pooled", &accuracy));
    MUST(tapetum_results_text(results, "/warnings", &warnings));
    printf("accuracy %.2f, warnings %s\n", accuracy, warnings);
    CHECK(patient.calls == FOLDS * 80 / 10 && accuracy == 1.0);
    MUST(tapetum_results_array(results, "losses.1.loss", &losses));
    MUST(tapetum_results_array(results, "connectome", &connectome));
    CHECK(losses.rank == 1 && losses.shape[0] == 80);
    CHECK(((const float *)losses.elements)[79] < ((const float *)losses.elements)[0]);
    CHECK(connectome.rank == 3 && connectome.shape[0] == SUBJECTS && connectome.shape[2] == REGIONS);

    MUST(tapetum_results_free(&results));
    MUST(tapetum_workflow_free(&workflow));
    MUST(tapetum_device_free(&device));
    CHECK(tapetum_handles() == 0);
    return EXIT_SUCCESS;
}
