/*
 * The smallest complete training loop: series with three hidden sources are summarised by three soft parcels.
 *
 * The same as examples/training_loop.rs, line by line. The losses are those that it prints.
 */

#include "must.h"

#include <math.h>

enum { PARCELS = 3, VERTICES = 90, TIME = 120 };

/* Each vertex follows one of three oscillations, with some noise. */
static void data(float *series)
{
    for (int i = 0; i < VERTICES * TIME; i++) {
        float t = (float)(i % TIME), source = (float)(i / TIME / (VERTICES / PARCELS));
        series[i] = sinf((0.1f + 0.13f * source) * t + source) + 0.3f * sinf((float)i * 78.233f);
    }
}

/* The recorded step. Values are known by their names. */
static tapetum_tape *recorded(const tapetum_array *series)
{
    tapetum_tape *tape = NULL;
    MUST(tapetum_tape_new(0, &tape));

    /* Record the step: every vertex is reconstructed from the series of its parcels. */
    MUST(tapetum_tape_input(tape, "series", series));
    MUST(tapetum_tape_parameter(tape, "logits", JSON({"shape": [3, "series[0]"], "init": {"normal": 0.1}})));
    const char *blocks[] = {
        JSON({"name": "parcels", "block": "soft_parcellation", "logits": "logits", "series": "series"}),
        JSON({"name": "rebuilt", "block": "matmul", "of": "parcels.memberships", "with": "parcels", "transpose_of": true}),
        JSON({"name": "error", "block": "square_error", "predicted": "rebuilt", "target": "series"}),
        JSON({"name": "mean", "block": "reduce", "of": "error", "by": "mean"}),
    };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        MUST(tapetum_tape_block(tape, blocks[i]));

    /* Differentiate and update. */
    MUST(tapetum_tape_descend(tape, "mean", JSON({"optimiser": "adam", "rate": 0.1, "steps": 150})));
    return tape;
}

/* The number of vertices of each source in each parcel. */
static void print_parcels(tapetum_state *state)
{
    static float logits[PARCELS][VERTICES];
    MUST(tapetum_state_read(state, "parameters.logits", logits, TAPETUM_DTYPE_F32, PARCELS * VERTICES));
    int taken[PARCELS] = {0};
    for (int source = 0; source < PARCELS; source++) {
        int members[PARCELS] = {0};
        for (int v = source * VERTICES / PARCELS; v < (source + 1) * VERTICES / PARCELS; v++) {
            int best = 0;
            for (int p = 1; p < PARCELS; p++)
                best = logits[p][v] > logits[best][v] ? p : best;
            members[best]++;
        }
        printf("vertices of source %d in each parcel: [%d, %d, %d]\n", source, members[0], members[1], members[2]);
        for (int p = 0; p < PARCELS; p++)
            taken[p] += members[p] == VERTICES / PARCELS;
    }
    /* Each source has a parcel of its own. */
    for (int p = 0; p < PARCELS; p++)
        CHECK(taken[p] == 1);
}

int main(int argc, char **argv)
{
    static float samples[VERTICES * TIME];
    data(samples);
    tapetum_array series = {.elements = samples, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {VERTICES, TIME}};
    tapetum_device *device = device_of(argc, argv);

    /* Compile once, then run repeatedly. */
    tapetum_tape *tape = recorded(&series);
    const char *outputs[] = {"mean"};
    tapetum_program *program = NULL;
    MUST(tapetum_program_compile(device, tape, outputs, 1, NULL, &program));
    MUST(tapetum_program_write(program, "series", &series));
    float first = 0.0f, loss = 0.0f;
    for (int epoch = 0; epoch < 6; epoch++) {
        MUST(tapetum_program_steps(program, 1));
        MUST(tapetum_program_read(program, "mean", &loss, TAPETUM_DTYPE_F32, 1));
        printf("step %3d: loss %.4f\n", epoch * 25 + 1, (double)loss);
        first = epoch == 0 ? loss : first;
        MUST(tapetum_program_steps(program, 24));
    }
    CHECK(loss < 0.2f * first);

    /* The state has the loss of every step, and the parameters. */
    static float losses[150];
    tapetum_state *state = NULL;
    MUST(tapetum_program_state(program, &state));
    MUST(tapetum_state_read(state, "loss", losses, TAPETUM_DTYPE_F32, 150));
    CHECK(losses[0] == first && losses[125] == loss);
    print_parcels(state);

    MUST(tapetum_state_free(&state));
    MUST(tapetum_program_free(&program));
    MUST(tapetum_tape_free(&tape));
    MUST(tapetum_device_free(&device));
    CHECK(tapetum_handles() == 0);
    return EXIT_SUCCESS;
}
