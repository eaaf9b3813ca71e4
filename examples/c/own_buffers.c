/*
 * An application's own buffers: series are read where they lie in the application's records, by strides and without a copy of the
 * application's making, and results are written into memory of its own, whose room is checked.
 */

#include "must.h"

#include <math.h>
#include <string.h>

enum { REGIONS = 5, FRAMES = 60, WINDOW = 40, EDGES = REGIONS * (REGIONS - 1) / 2 };

/* One frame of the application: a time, the regions, and something that the library has no use for. */
typedef struct {
    float seconds;
    float regions[REGIONS];
    float other[2];
} record;

int main(int argc, char **argv)
{
    /* A ring of records, the newest first, as a recorder may keep it. */
    static record ring[FRAMES];
    for (int i = 0; i < FRAMES; i++) {
        int t = FRAMES - 1 - i;
        ring[i].seconds = 2.0f * (float)t;
        for (int r = 0; r < REGIONS; r++)
            ring[i].regions[r] = sinf(0.9f * (float)r + 0.37f * (float)t) + 0.2f * sinf((float)(t * REGIONS + r) * 78.233f);
    }

    /* The last WINDOW frames, oldest first, [regions, time] as a tape has series: a step of time is one record back. */
    const ptrdiff_t step = (ptrdiff_t)(sizeof(record) / sizeof(float));
    tapetum_array window = {
        .elements = &ring[WINDOW - 1].regions[0],
        .dtype = TAPETUM_DTYPE_F32,
        .rank = 2,
        .shape = {REGIONS, WINDOW},
        .strides = {1, -step},
    };

    /* The tape is compiled once, for the window's shape. */
    tapetum_device *device = device_of(argc, argv);
    tapetum_tape *tape = NULL;
    tapetum_program *program = NULL;
    const char *outputs[] = {"connectome", "edges"};
    MUST(tapetum_tape_new(0, &tape));
    MUST(tapetum_tape_input(tape, "series", &window));
    MUST(tapetum_tape_block(tape, JSON({"name": "connectome", "block": "correlation", "series": "series"})));
    MUST(tapetum_tape_block(tape, JSON({"name": "edges", "block": "upper_triangle", "of": "connectome"})));
    MUST(tapetum_program_compile(device, tape, outputs, 2, NULL, &program));
    MUST(tapetum_tape_free(&tape));

    /* The type and shape of a result, before it is read. */
    tapetum_array type;
    MUST(tapetum_program_type(program, "edges", &type));
    CHECK(type.elements == NULL && type.rank == 1 && type.shape[0] == EDGES && type.dtype == TAPETUM_DTYPE_F32);

    /* The results lie in the middle of a larger block of the application, whose rest stays as it is. */
    static double block[2 + EDGES + 2];
    for (size_t i = 0; i < sizeof block / sizeof *block; i++)
        block[i] = -7.0;
    MUST(tapetum_program_write(program, "series", &window));
    MUST(tapetum_program_steps(program, 1));
    CHECK(tapetum_program_read(program, "edges", block + 2, TAPETUM_DTYPE_F64, EDGES - 1) == TAPETUM_STATUS_ARGUMENT);
    printf("refused: %s\n", tapetum_message());
    CHECK(block[2] == -7.0);
    MUST(tapetum_program_read(program, "edges", block + 2, TAPETUM_DTYPE_F64, EDGES));
    CHECK(block[0] == -7.0 && block[1] == -7.0 && block[2 + EDGES] == -7.0 && block[3 + EDGES] == -7.0);

    /* The same from a packed copy of the window, through the front that computes on whole recordings: [time, regions]. */
    static float packed[WINDOW][REGIONS], matrix[REGIONS][REGIONS];
    for (int t = 0; t < WINDOW; t++)
        memcpy(packed[t], ring[WINDOW - 1 - t].regions, sizeof packed[t]);
    tapetum_array series = {.elements = packed, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {WINDOW, REGIONS}};
    tapetum_results *results = NULL;
    MUST(tapetum_connectivity(device, &series, 1, NULL, &results));
    MUST(tapetum_results_copy(results, "values", matrix, TAPETUM_DTYPE_F32, REGIONS * REGIONS));
    MUST(tapetum_results_free(&results));
    double worst = 0.0;
    for (int a = 0, edge = 0; a < REGIONS; a++)
        for (int b = a + 1; b < REGIONS; b++, edge++) {
            double error = fabs(block[2 + edge] - (double)matrix[a][b]);
            worst = error <= worst ? worst : error;
        }
    printf("%d edges of a window of %d frames, read by strides: the largest difference to a packed copy is %.1e\n", EDGES, WINDOW, worst);
    CHECK(worst < 1e-6);

    MUST(tapetum_program_free(&program));
    MUST(tapetum_device_free(&device));
    CHECK(tapetum_handles() == 0);
    return EXIT_SUCCESS;
}
