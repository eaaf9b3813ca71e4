/* What each front computes, held to what theory says of small cases. */

#include "../must.h"

#include <math.h>
#include <string.h>

static tapetum_device *device;
static tapetum_results *results;

static int near(double found, double wanted, double tolerance)
{
    return fabs(found - wanted) <= tolerance;
}

/* Confounds and a trend leave nothing of series that are made of them; the mean is added back. */
static void denoise(void)
{
    enum { TIME = 65, REGIONS = 7, CONFOUNDS = 2 };
    static double series[TIME][REGIONS], confounds[TIME][CONFOUNDS];
    static float clean[TIME][REGIONS];
    static int32_t kept[TIME];
    for (int t = 0; t < TIME; t++) {
        confounds[t][0] = sin(0.3 * t);
        confounds[t][1] = t % 5 == 0 ? 1.0 : 0.0;
        for (int r = 0; r < REGIONS; r++)
            series[t][r] = 1000.0 * (r + 1) + 0.5 * t + r * confounds[t][0] - 2.0 * confounds[t][1];
    }
    tapetum_array x = {.elements = series, .dtype = TAPETUM_DTYPE_F64, .rank = 2, .shape = {TIME, REGIONS}};
    tapetum_array table = {.elements = confounds, .dtype = TAPETUM_DTYPE_F64, .rank = 2, .shape = {TIME, CONFOUNDS}};
    double rank = 0.0;
    const char *columns = NULL;
    MUST(tapetum_denoise(device, &x, &table, JSON({"detrend": true, "names": ["wave", "beat"]}), &results));
    MUST(tapetum_results_copy(results, "series", clean, TAPETUM_DTYPE_F32, TIME * REGIONS));
    MUST(tapetum_results_copy(results, "kept", kept, TAPETUM_DTYPE_I32, TIME));
    MUST(tapetum_results_number(results, "/rank", &rank));
    MUST(tapetum_results_text(results, "/columns", &columns));
    CHECK(rank == 4.0 && strcmp(columns, "[\"wave\",\"beat\"]") == 0);
    for (int t = 0; t < TIME; t++)
        for (int r = 0; r < REGIONS; r++)
            CHECK(kept[t] == 1 && near(clean[t][r], 0.0, 1e-5));
    MUST(tapetum_results_free(&results));

    /* One of the columns alone leaves the other: orthogonal to neither intercept nor trend, so that only its presence is asked for. */
    MUST(tapetum_denoise(device, &x, &table, JSON({"names": ["wave", "beat"], "columns": ["wave"], "keep_mean": true}), &results));
    MUST(tapetum_results_copy(results, "series", clean, TAPETUM_DTYPE_F32, TIME * REGIONS));
    for (int r = 0; r < REGIONS; r++) {
        double mean = 0.0, wanted = 0.0;
        for (int t = 0; t < TIME; t++) {
            mean += (double)clean[t][r] / TIME;
            wanted += series[t][r] / TIME;
        }
        CHECK(near(mean, wanted, 1e-3 * wanted) && clean[TIME - 1][r] > clean[0][r]);
    }
    MUST(tapetum_results_free(&results));
}

/* A triangle: its two strongest edges are births, and the weakest closes a cycle. */
static void topology(void)
{
    float one[3][3] = {{0.0f, 0.5f, 0.75f}, {0.5f, 0.0f, 0.25f}, {0.75f, 0.25f, 0.0f}};
    float other[3][3] = {{0.0f, 0.5f, 0.75f}, {0.5f, 0.0f, 0.125f}, {0.75f, 0.125f, 0.0f}};
    tapetum_array a = {.elements = one, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {3, 3}};
    tapetum_array b = {.elements = other, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {3, 3}};
    double births[2], deaths[1], distance = 0.0;
    MUST(tapetum_births_deaths(device, &a, &results));
    MUST(tapetum_results_copy(results, "births", births, TAPETUM_DTYPE_F64, 2));
    MUST(tapetum_results_copy(results, "deaths", deaths, TAPETUM_DTYPE_F64, 1));
    CHECK(births[0] == 0.5 && births[1] == 0.75 && deaths[0] == 0.25);
    MUST(tapetum_results_free(&results));
    MUST(tapetum_distance(device, &a, &b, NULL, &results));
    MUST(tapetum_results_copy(results, "distances", &distance, TAPETUM_DTYPE_F64, 1));
    CHECK(distance == 0.125 * 0.125);
    MUST(tapetum_results_free(&results));
    MUST(tapetum_distance(device, &a, &b, JSON({"dimension": "cycles", "order": 1, "root": true}), &results));
    MUST(tapetum_results_copy(results, "distances", &distance, TAPETUM_DTYPE_F64, 1));
    CHECK(distance == 0.125);
    MUST(tapetum_results_free(&results));
}

/* Two kinds of graphs, far apart: strong weights and weak ones. */
static void cluster(void)
{
    enum { GRAPHS = 6, NODES = 5 };
    static float weights[GRAPHS][NODES][NODES];
    for (int g = 0; g < GRAPHS; g++)
        for (int i = 0; i < NODES; i++)
            for (int j = 0; j < i; j++)
                weights[g][i][j] = weights[g][j][i] = (g < 3 ? 0.9f : 0.1f) + 0.001f * (float)(g + i + j);
    tapetum_array graphs = {.elements = weights, .dtype = TAPETUM_DTYPE_F32, .rank = 3, .shape = {GRAPHS, NODES, NODES}};
    int32_t clusters[GRAPHS];
    const char *converged = NULL;
    MUST(tapetum_cluster(device, &graphs, JSON({"clusters": 2, "initial": [0, 5]}), &results));
    MUST(tapetum_results_copy(results, "clusters", clusters, TAPETUM_DTYPE_I32, GRAPHS));
    MUST(tapetum_results_text(results, "/converged", &converged));
    for (int g = 0; g < GRAPHS; g++)
        CHECK(clusters[g] == (g < 3 ? 0 : 1));
    CHECK(strcmp(converged, "true") == 0);
    MUST(tapetum_results_free(&results));
}

static int32_t end(void *calls, size_t fold, uint32_t step, float loss)
{
    ++*(int *)calls;
    return fold == 0 && step == 10 && isfinite(loss);
}

/* Two hemispheres of a sphere, each with a wave of its own, are two parcels; one vertex is masked. */
static void parcellate(void)
{
    enum { VERTICES = 60, TIME = 65 };
    static float series[TIME][VERTICES], xyz[VERTICES][3], mask[VERTICES];
    static int32_t labels[VERTICES];
    for (int v = 0; v < VERTICES; v++) {
        /* A Fibonacci spiral, north to south. */
        double z = 1.0 - (2.0 * v + 1.0) / VERTICES, angle = 2.39996323 * v, radius = sqrt(1.0 - z * z);
        xyz[v][0] = (float)(100.0 * radius * cos(angle));
        xyz[v][1] = (float)(100.0 * radius * sin(angle));
        xyz[v][2] = (float)(100.0 * z);
        mask[v] = v == 7 ? 0.0f : 1.0f;
        for (int t = 0; t < TIME; t++)
            series[t][v] = sinf((v < VERTICES / 2 ? 0.3f : 0.47f) * (float)t) + 0.1f * sinf((float)(t * VERTICES + v) * 78.233f);
    }
    tapetum_array x = {.elements = series, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {TIME, VERTICES}};
    tapetum_array at = {.elements = xyz, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {VERTICES, 3}};
    tapetum_array within = {.elements = mask, .dtype = TAPETUM_DTYPE_F32, .rank = 1, .shape = {VERTICES}};
    tapetum_array memberships;
    int calls = 0;
    CHECK(tapetum_parcellate(device, &x, &at, NULL, &within, JSON({"parcels": 2}), end, &calls, &results) == TAPETUM_STATUS_CANCELLED);
    CHECK(calls == 1 && results == NULL);
    MUST(tapetum_parcellate(device, &x, &at, NULL, &within, JSON({"parcels": 2, "steps": 60}), NULL, NULL, &results));
    MUST(tapetum_results_copy(results, "labels", labels, TAPETUM_DTYPE_I32, VERTICES));
    MUST(tapetum_results_array(results, "memberships", &memberships));
    CHECK(memberships.rank == 2 && memberships.shape[0] == 2 && memberships.shape[1] == VERTICES - 1);
    CHECK(labels[7] == -1 && labels[0] != labels[VERTICES - 1]);
    /* Between the two, near the equator, neighbours and compactness have a say. */
    for (int v = 0; v < VERTICES; v++)
        CHECK(v == 7 || fabsf(xyz[v][2]) < 20.0f || labels[v] == labels[v < VERTICES / 2 ? 0 : VERTICES - 1]);
    MUST(tapetum_results_free(&results));
}

/* The gradient of a mean of squares, a descent of the caller's own, and a state in a file. */
static void train(void)
{
    float start[3] = {1.0f, -2.0f, 4.0f}, rate = 0.5f, slope[3], found[3];
    tapetum_array w = {.elements = start, .dtype = TAPETUM_DTYPE_F32, .rank = 1, .shape = {3}};
    tapetum_array scalar = {.elements = &rate, .dtype = TAPETUM_DTYPE_F32};
    tapetum_tape *tape = NULL;
    tapetum_state *state = NULL;
    tapetum_program *program = NULL;
    const char *outputs[] = {"slope"}, *wrt[] = {"w"};
    MUST(tapetum_tape_new(0, &tape));
    MUST(tapetum_tape_state(tape, "w", &w));
    MUST(tapetum_tape_array(tape, "rate", &scalar));
    MUST(tapetum_tape_block(tape, JSON({"name": "squares", "block": "function", "of": "w", "apply": "square"})));
    MUST(tapetum_tape_block(tape, JSON({"name": "loss", "block": "reduce", "of": "squares", "by": "mean"})));
    MUST(tapetum_tape_gradient(tape, "loss", wrt, outputs, 1));
    MUST(tapetum_tape_block(tape, JSON({"name": "step", "block": "multiply", "of": "slope", "with": "rate"})));
    MUST(tapetum_tape_block(tape, JSON({"name": "next", "block": "subtract", "of": "w", "with": "step"})));
    MUST(tapetum_tape_assign(tape, "w", "next"));
    MUST(tapetum_state_new(device, &state));
    MUST(tapetum_program_compile(device, tape, outputs, 1, state, &program));
    MUST(tapetum_program_steps(program, 1));
    MUST(tapetum_program_wait(program));
    MUST(tapetum_program_read(program, "slope", slope, TAPETUM_DTYPE_F32, 3));
    MUST(tapetum_state_read(state, "w", found, TAPETUM_DTYPE_F32, 3));
    for (int i = 0; i < 3; i++)
        CHECK(near(slope[i], 2.0 * (double)start[i] / 3.0, 1e-6) && near(found[i], (double)start[i] * (1.0 - 1.0 / 3.0), 1e-6));

    /* The folder of the state's file: TMPDIR, which test.sh sets, or the one where this runs. */
    const char *folder = getenv("TMPDIR"), *names = NULL;
    char path[4096];
    int written = snprintf(path, sizeof path, "%s/tapetum-c-state.safetensors", folder ? folder : ".");
    CHECK(written > 0 && (size_t)written < sizeof path);
    tapetum_array type;
    MUST(tapetum_state_save(state, path));
    MUST(tapetum_state_write(state, "w", &w));
    MUST(tapetum_state_read(state, "w", slope, TAPETUM_DTYPE_F32, 3));
    CHECK(memcmp(slope, start, sizeof start) == 0);
    MUST(tapetum_state_load(state, path));
    MUST(tapetum_state_read(state, "w", slope, TAPETUM_DTYPE_F32, 3));
    CHECK(memcmp(slope, found, sizeof found) == 0 && remove(path) == 0);
    MUST(tapetum_state_names(state, &results));
    MUST(tapetum_results_text(results, "", &names));
    MUST(tapetum_state_type(state, "w", &type));
    CHECK(strcmp(names, "[\"w\"]") == 0 && type.rank == 1 && type.shape[0] == 3);
    MUST(tapetum_results_free(&results));
    MUST(tapetum_program_free(&program));
    MUST(tapetum_state_free(&state));
    MUST(tapetum_tape_free(&tape));
}

/* Tangents of a group, whose mean is near 0, as vectors. */
static void tangents(void)
{
    enum { SUBJECTS = 4, TIME = 257, REGIONS = 7, ENTRIES = REGIONS * (REGIONS + 1) / 2 };
    static float samples[SUBJECTS][TIME][REGIONS], values[SUBJECTS][ENTRIES];
    tapetum_array group[SUBJECTS];
    for (int s = 0; s < SUBJECTS; s++) {
        for (int t = 0; t < TIME; t++)
            for (int r = 0; r < REGIONS; r++)
                samples[s][t][r] = (1.0f + 0.2f * (float)s) * sinf((float)((s * TIME + t) * REGIONS + r) * 78.233f);
        group[s] = (tapetum_array){.elements = samples[s], .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {TIME, REGIONS}};
    }
    MUST(tapetum_connectivity(device, group, SUBJECTS, JSON({"kind": "tangent", "vectorise": "kept", "tolerance": 1e-9}), &results));
    MUST(tapetum_results_copy(results, "values", values, TAPETUM_DTYPE_F32, SUBJECTS * ENTRIES));
    for (int e = 0; e < ENTRIES; e++)
        CHECK(near((double)values[0][e] + (double)values[1][e] + (double)values[2][e] + (double)values[3][e], 0.0, 1e-4));
    MUST(tapetum_results_free(&results));
}

int main(int argc, char **argv)
{
    device = device_of(argc, argv);
    denoise();
    topology();
    cluster();
    parcellate();
    train();
    tangents();
    MUST(tapetum_device_free(&device));
    CHECK(tapetum_handles() == 0);
    return EXIT_SUCCESS;
}
