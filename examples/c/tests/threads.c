/* Handles from several threads: one device for all, one program that two threads advance, messages of their own, and a handle that one
 * thread frees while others use it. */

#include "../must.h"

#include <math.h>
#include <string.h>
#include <threads.h>

enum { TIME = 120, REGIONS = 16, ROUNDS = 8, STEPS = 50 };

static float samples[TIME * REGIONS];
static tapetum_device *device;
static tapetum_program *counter;
static tapetum_tape *shared;

/* Each thread's matrices are the first one's, bit for bit. */
static int measure(void *first)
{
    tapetum_array series = {.elements = samples, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {TIME, REGIONS}};
    float values[REGIONS * REGIONS];
    for (int i = 0; i < ROUNDS; i++) {
        tapetum_results *results = NULL;
        MUST(tapetum_connectivity(device, &series, 1, NULL, &results));
        MUST(tapetum_results_copy(results, "values", values, TAPETUM_DTYPE_F32, REGIONS * REGIONS));
        MUST(tapetum_results_free(&results));
        CHECK(memcmp(values, first, sizeof values) == 0);
    }
    return 0;
}

static int advance(void *unused)
{
    (void)unused;
    for (int i = 0; i < STEPS; i++)
        MUST(tapetum_program_steps(counter, 1));
    return 0;
}

/* The messages of a thread are its own. */
static int fail(void *name)
{
    CHECK(strcmp(tapetum_message(), "") == 0);
    for (int i = 0; i < ROUNDS; i++) {
        tapetum_results *results = NULL;
        CHECK(tapetum_schema(name, &results) == TAPETUM_STATUS_ARGUMENT);
        CHECK(strstr(tapetum_message(), name) != NULL);
        thrd_yield();
    }
    return 0;
}

/* A handle that is freed meanwhile is there, or it is refused. */
static int use(void *unused)
{
    (void)unused;
    tapetum_array type;
    for (;;) {
        tapetum_status status = tapetum_tape_type(shared, "x", &type);
        if (status != TAPETUM_STATUS_OK)
            return status == TAPETUM_STATUS_ARGUMENT ? 0 : 1;
        CHECK(type.rank == 2 && type.shape[0] == TIME);
    }
}

static void pair(thrd_start_t run, void *one, void *other)
{
    thrd_t threads[2];
    int found[2];
    CHECK(thrd_create(&threads[0], run, one) == thrd_success && thrd_create(&threads[1], run, other) == thrd_success);
    for (int i = 0; i < 2; i++)
        CHECK(thrd_join(threads[i], &found[i]) == thrd_success && found[i] == 0);
}

/* A tape whose state counts the steps. */
static void count(void)
{
    float zero = 0.0f, one = 1.0f, found = 0.0f;
    const char *outputs[] = {"next"};
    tapetum_array scalar = {.elements = &zero, .dtype = TAPETUM_DTYPE_F32};
    tapetum_tape *tape = NULL;
    MUST(tapetum_tape_new(0, &tape));
    MUST(tapetum_tape_state(tape, "count", &scalar));
    scalar.elements = &one;
    MUST(tapetum_tape_array(tape, "one", &scalar));
    MUST(tapetum_tape_block(tape, JSON({"name": "next", "block": "add", "of": "count", "with": "one"})));
    MUST(tapetum_tape_assign(tape, "count", "next"));
    MUST(tapetum_program_compile(device, tape, outputs, 1, NULL, &counter));
    MUST(tapetum_tape_free(&tape));
    pair(advance, NULL, NULL);
    MUST(tapetum_program_read(counter, "next", &found, TAPETUM_DTYPE_F32, 1));
    CHECK(found == (float)(2 * STEPS));
    MUST(tapetum_program_free(&counter));
}

int main(int argc, char **argv)
{
    for (int i = 0; i < TIME * REGIONS; i++)
        samples[i] = sinf((float)i * 78.233f);
    tapetum_array series = {.elements = samples, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {TIME, REGIONS}};
    tapetum_results *results = NULL;
    float first[REGIONS * REGIONS];
    device = device_of(argc, argv);
    MUST(tapetum_connectivity(device, &series, 1, NULL, &results));
    MUST(tapetum_results_copy(results, "values", first, TAPETUM_DTYPE_F32, REGIONS * REGIONS));
    MUST(tapetum_results_free(&results));

    pair(measure, first, first);
    pair(fail, "the first", "the second");
    count();

    thrd_t user;
    int found = 1;
    tapetum_tape *tape = NULL;
    MUST(tapetum_tape_new(0, &tape));
    MUST(tapetum_tape_input(tape, "x", &series));
    shared = tape;
    CHECK(thrd_create(&user, use, NULL) == thrd_success);
    for (int i = 0; i < ROUNDS; i++)
        thrd_yield();
    MUST(tapetum_tape_free(&tape));
    CHECK(thrd_join(user, &found) == thrd_success && found == 0);

    MUST(tapetum_device_free(&device));
    CHECK(tapetum_handles() == 0);
    return EXIT_SUCCESS;
}
