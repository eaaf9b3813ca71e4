/* What is refused, with which status and message. */

#include "../must.h"

#include <math.h>
#include <string.h>

/* A call that must fail with this status, and with a message that holds this text. */
static void refused(int line, tapetum_status found, tapetum_status wanted, const char *text)
{
    if (found != wanted || strstr(tapetum_message(), text) == NULL || strchr(tapetum_message(), '\n') != NULL) {
        fprintf(stderr, "line %d: status %d and \"%s\", where %d and \"%s\" are expected\n",
            line, (int)found, tapetum_message(), (int)wanted, text);
        exit(EXIT_FAILURE);
    }
}

#define REFUSED(status, text, call) refused(__LINE__, (call), TAPETUM_STATUS_##status, text)

enum { TIME = 20, REGIONS = 3 };

static float samples[TIME * REGIONS];
static tapetum_device *device;
static tapetum_results *results;

static tapetum_array series(void)
{
    return (tapetum_array){.elements = samples, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {TIME, REGIONS}};
}

static void devices(void)
{
    tapetum_device *none = (tapetum_device *)&none;
    REFUSED(DEVICE, "no adapter", tapetum_device_open("no such device", &none));
    CHECK(none == NULL);
    REFUSED(ARGUMENT, "device: a pointer is expected, found NULL", tapetum_device_open("cpu", NULL));
    REFUSED(ARGUMENT, "name: UTF-8 is expected, found another byte at 2", tapetum_device_open("no\xff", &none));
    REFUSED(ARGUMENT, "name: a pointer is expected, found NULL", tapetum_device_name(device, NULL));
    REFUSED(ARGUMENT, "results: a pointer is expected, found NULL", tapetum_devices(NULL));
    MUST(tapetum_devices(&results));
    MUST(tapetum_results_free(&results));
}

/* Handles that are none, of another kind, or freed. */
static void handles(void)
{
    const char *name = NULL;
    tapetum_array any = series();
    REFUSED(ARGUMENT, "device: a tapetum_device is expected, found NULL", tapetum_device_name(NULL, &name));
    REFUSED(ARGUMENT, "device: a tapetum_device is expected, found a handle that was freed or never made",
        tapetum_device_name((tapetum_device *)&any, &name));
    REFUSED(ARGUMENT, "results: a tapetum_results is expected, found a tapetum_device",
        tapetum_results_name((tapetum_results *)device, 0, &name));
    tapetum_tape *tape = NULL, *copy = NULL;
    MUST(tapetum_tape_new(0, &tape));
    copy = tape;
    REFUSED(ARGUMENT, "device: a tapetum_device is expected, found a tapetum_tape", tapetum_device_free((tapetum_device **)(void *)&copy));
    MUST(tapetum_tape_free(&tape));
    CHECK(tape == NULL);
    MUST(tapetum_tape_free(&tape));
    REFUSED(ARGUMENT, "tape: a tapetum_tape is expected, found a handle that was freed", tapetum_tape_free(&copy));
    REFUSED(ARGUMENT, "tape: a tapetum_tape is expected, found a handle that was freed", tapetum_tape_input(copy, "x", &any));
    REFUSED(ARGUMENT, "tape: a pointer is expected, found NULL", tapetum_tape_free(NULL));
}

/* Arrays that are none: pointers, types, shapes and strides. */
static void arrays(void)
{
    tapetum_array any = series();
    tapetum_results *none = (tapetum_results *)&any;
    REFUSED(ARGUMENT, "series: a pointer is expected, found NULL", tapetum_connectivity(device, NULL, 1, NULL, &none));
    CHECK(none == NULL);
    REFUSED(ARGUMENT, "results: a pointer is expected, found NULL", tapetum_connectivity(device, &any, 1, NULL, NULL));
    any.elements = NULL;
    REFUSED(ARGUMENT, "series[0].elements: a pointer is expected, found NULL", tapetum_connectivity(device, &any, 1, NULL, &results));
    any.elements = (const char *)samples + 1;
    REFUSED(ARGUMENT, "series[0].elements: an address that float can have", tapetum_connectivity(device, &any, 1, NULL, &results));
    any = series();
    any.dtype = 4;
    REFUSED(ARGUMENT, "series[0].dtype: a tapetum_dtype from 0 to 3 is expected, found 4",
        tapetum_connectivity(device, &any, 1, NULL, &results));
    any.dtype = TAPETUM_DTYPE_I32;
    REFUSED(ARGUMENT, "series[0].dtype: float or double is expected, found int32_t", tapetum_connectivity(device, &any, 1, NULL, &results));
    any = series();
    any.rank = 1;
    REFUSED(ARGUMENT, "series[0]: [time, regions] is expected", tapetum_connectivity(device, &any, 1, NULL, &results));
    any.rank = 9;
    REFUSED(ARGUMENT, "series[0].rank: 9 axes", tapetum_connectivity(device, &any, 1, NULL, &results));
    any = series();
    any.shape[0] = SIZE_MAX / 2;
    REFUSED(ARGUMENT, "series[0].shape: ", tapetum_connectivity(device, &any, 1, NULL, &results));
    any.shape[0] = SIZE_MAX;
    any.shape[1] = SIZE_MAX;
    REFUSED(ARGUMENT, "more elements than memory holds", tapetum_connectivity(device, &any, 1, NULL, &results));
    any = series();
    any.strides[0] = PTRDIFF_MAX / 2;
    any.strides[1] = 1;
    REFUSED(ARGUMENT, "series[0].strides: ", tapetum_connectivity(device, &any, 1, NULL, &results));
    any.strides[0] = PTRDIFF_MIN;
    REFUSED(ARGUMENT, "reach farther than memory", tapetum_connectivity(device, &any, 1, NULL, &results));
    REFUSED(ARGUMENT, "series: 9223372036854775807 arrays cannot lie at", tapetum_connectivity(device, &any, PTRDIFF_MAX, NULL, &results));
}

/* Contents that nothing can be computed of. */
static void contents(void)
{
    tapetum_array some[2] = {series(), series()};
    REFUSED(ARGUMENT, "series of at least one subject are expected", tapetum_connectivity(device, some, 0, NULL, &results));
    some[0].shape[0] = 0;
    REFUSED(ARGUMENT, "at least 2 frames are expected, found [3, 0]", tapetum_connectivity(device, some, 1, NULL, &results));
    some[0].shape[0] = 1;
    REFUSED(ARGUMENT, "at least 2 frames are expected, found [3, 1]", tapetum_connectivity(device, some, 1, NULL, &results));
    some[0] = series();
    some[1].shape[1] = REGIONS - 1;
    REFUSED(ARGUMENT, "subject 1 (counted from 0): 2 regions, and the subjects before it have 3",
        tapetum_connectivity(device, some, 2, NULL, &results));

    /* A NaN is in the row and the column of its region, and nowhere else. */
    samples[4] = NAN;
    tapetum_array values;
    MUST(tapetum_connectivity(device, some, 1, NULL, &results));
    MUST(tapetum_results_array(results, "values", &values));
    for (int i = 0; i < REGIONS * REGIONS; i++)
        CHECK(!isnan(((const float *)values.elements)[i]) == (i / REGIONS != 1 && i % REGIONS != 1));
    MUST(tapetum_results_free(&results));
    REFUSED(ARGUMENT, "weights [20, 3]: [n, n] or [graphs, n, n] expected", tapetum_births_deaths(device, some, &results));
    samples[4] = 0.5f;

    float weights[9] = {0.0f, 0.5f, NAN, 0.5f, 0.0f, 0.25f, NAN, 0.25f, 0.0f};
    tapetum_array graph = {.elements = weights, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {3, 3}};
    REFUSED(ARGUMENT, "the weight from node 0 to node 2 (counted from 0) is NaN", tapetum_births_deaths(device, &graph, &results));
    float same[4] = {0.0f, 0.5f, 0.5f, 0.0f};
    tapetum_array even = {.elements = same, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {2, 2}};
    weights[2] = 0.75f;
    weights[6] = 0.5f;
    REFUSED(ARGUMENT, "is 0.75, and 0.5 the other way: symmetric is expected", tapetum_births_deaths(device, &graph, &results));
    REFUSED(ARGUMENT, "a: a pointer is expected, found NULL", tapetum_distance(device, NULL, &graph, NULL, &results));
    REFUSED(ARGUMENT, "b: the weight from node 0 to node 2", tapetum_distance(device, &even, &graph, NULL, &results));
    REFUSED(ARGUMENT, "coordinates: a pointer is expected",
        tapetum_parcellate(device, some, NULL, NULL, NULL, JSON({"parcels": 2}), NULL, NULL, &results));
    REFUSED(ARGUMENT, "series: a pointer is expected", tapetum_denoise(device, NULL, NULL, NULL, &results));
    some[1].shape[0] = TIME - 1;
    REFUSED(ARGUMENT, "19 frames, and the run has 20", tapetum_denoise(device, some, some + 1, NULL, &results));
}

static void options(void)
{
    tapetum_array any = series();
    REFUSED(ARGUMENT, "options: no JSON", tapetum_connectivity(device, &any, 1, "{", &results));
    REFUSED(ARGUMENT, "options: an object is expected, found 3", tapetum_connectivity(device, &any, 1, "3", &results));
    REFUSED(ARGUMENT, "options: no key is called `knd`", tapetum_connectivity(device, &any, 1, JSON({"knd": "correlation"}), &results));
    REFUSED(ARGUMENT, "options.kind: one of correlation, ", tapetum_connectivity(device, &any, 1, JSON({"kind": "corr"}), &results));
    REFUSED(ARGUMENT, "options: Fisher's z",
        tapetum_connectivity(device, &any, 1, JSON({"kind": "precision", "fisher_z": true}), &results));
    REFUSED(ARGUMENT, "options.shrinkage.ridge: a number of 0 or more is expected, found -1",
        tapetum_connectivity(device, &any, 1, JSON({"kind": "covariance", "shrinkage": {"ridge": -1}}), &results));
    REFUSED(ARGUMENT, "options: a filter needs `tr`", tapetum_denoise(device, &any, NULL, JSON({"low_pass": 0.1}), &results));
    REFUSED(ARGUMENT, "one of them is expected",
        tapetum_denoise(device, &any, &any, JSON({"strategy": "36p", "formula": "rps"}), &results));
    REFUSED(ARGUMENT, "options.names: a name for each of 3 confounds",
        tapetum_denoise(device, &any, &any, JSON({"names": ["csf"]}), &results));
    REFUSED(ARGUMENT, "the key `clusters` is missing", tapetum_cluster(device, &any, NULL, &results));
    REFUSED(ARGUMENT, "of: one of connectivity, ", tapetum_schema("conectivity", &results));
    MUST(tapetum_schema("connectivity", &results));
    MUST(tapetum_results_free(&results));
}

static void tapes(void)
{
    tapetum_tape *tape = NULL;
    tapetum_program *program = NULL;
    tapetum_state *state = NULL;
    tapetum_array any = series();
    float room[TIME * REGIONS];
    const char *square[] = {"square"}, *other[] = {"other"}, *missing[] = {"square", NULL};
    MUST(tapetum_tape_new(0, &tape));
    MUST(tapetum_tape_input(tape, "x", &any));
    REFUSED(ARGUMENT, "another value is called `x`", tapetum_tape_input(tape, "x", &any));
    REFUSED(ARGUMENT, "`2x` is no name", tapetum_tape_input(tape, "2x", &any));
    REFUSED(ARGUMENT, "like: a pointer is expected", tapetum_tape_input(tape, "y", NULL));
    REFUSED(ARGUMENT, "no block is called `sqare`", tapetum_tape_block(tape, JSON({"name": "y", "block": "sqare"})));
    REFUSED(ARGUMENT, "no value is called `z` here: there are x",
        tapetum_tape_block(tape, JSON({"name": "y", "block": "detach", "of": "z"})));
    REFUSED(ARGUMENT, "described: no JSON", tapetum_tape_parameter(tape, "w", "[1"));
    REFUSED(ARGUMENT, "parameters.w", tapetum_tape_parameter(tape, "w", JSON({"shape": [2], "per": "subject"})));
    MUST(tapetum_tape_block(tape, JSON({"name": "square", "block": "function", "of": "x", "apply": "square"})));
    REFUSED(ARGUMENT, "there is no parameter to learn", tapetum_tape_descend(tape, "square", JSON({"steps": 1, "rate": 0.1})));
    REFUSED(ARGUMENT, "gradient: a value of one element expected",
        tapetum_tape_gradient(tape, "square", (const char *[]){"x"}, (const char *[]){"slope"}, 1));
    REFUSED(ARGUMENT, "no value is called `other` here", tapetum_program_compile(device, tape, other, 1, NULL, &program));
    REFUSED(ARGUMENT, "outputs[1]: a pointer is expected", tapetum_program_compile(device, tape, missing, 2, NULL, &program));
    MUST(tapetum_program_compile(device, tape, square, 1, NULL, &program));
    REFUSED(ARGUMENT, "no step of this program has run", tapetum_program_read(program, "square", room, TAPETUM_DTYPE_F32, TIME * REGIONS));
    REFUSED(ARGUMENT, "`x`", tapetum_program_steps(program, 1));
    any.shape[0] = TIME - 1;
    REFUSED(ARGUMENT, "tensor `x`: is f32[20, 3], written with f32[19, 3]", tapetum_program_write(program, "x", &any));
    any = series();
    REFUSED(ARGUMENT, "is no input", tapetum_program_write(program, "square", &any));
    MUST(tapetum_program_write(program, "x", &any));
    MUST(tapetum_program_steps(program, 1));
    REFUSED(ARGUMENT, "capacity: room for 60 elements", tapetum_program_read(program, "square", room, TAPETUM_DTYPE_F32, 59));
    REFUSED(ARGUMENT, "dtype: f32 is expected, found int32_t", tapetum_program_read(program, "square", room, TAPETUM_DTYPE_I32, 60));
    REFUSED(ARGUMENT, "elements: a pointer is expected", tapetum_program_read(program, "square", NULL, TAPETUM_DTYPE_F32, 60));
    REFUSED(ARGUMENT, "no value of this program is called `y`: there are square, x",
        tapetum_program_read(program, "y", room, TAPETUM_DTYPE_F32, 60));
    MUST(tapetum_program_state(program, &state));
    REFUSED(ARGUMENT, "tensor `w`", tapetum_state_read(state, "w", room, TAPETUM_DTYPE_F32, 60));
    REFUSED(FILE, "/no/such/folder/state.safetensors", tapetum_state_save(state, "/no/such/folder/state.safetensors"));
    REFUSED(FILE, "/no/such/file", tapetum_state_load(state, "/no/such/file"));
    MUST(tapetum_state_free(&state));
    MUST(tapetum_program_free(&program));
    MUST(tapetum_tape_free(&tape));
}

static void workflows(void)
{
    tapetum_workflow *workflow = NULL;
    MUST(tapetum_workflow_of_file("/no/such/workflow.json", &workflow));
    REFUSED(FILE, "/no/such/workflow.json", tapetum_workflow_check(workflow, &results));
    MUST(tapetum_workflow_free(&workflow));
    REFUSED(ARGUMENT, "text: no JSON", tapetum_workflow_of_text("{]", NULL, &workflow));
    REFUSED(ARGUMENT, "text: no JSON: ", tapetum_workflow_of_text(JSON({"data": {}, "data": {}}), NULL, &workflow));
    MUST(tapetum_workflow_of_text(JSON({"data": {"rest": {"input": "rest"}}, "results": [{"value": "rest"}]}), NULL, &workflow));
    REFUSED(ARGUMENT, "no array is called `rest`: none is given", tapetum_workflow_run(workflow, device, NULL, NULL, &results));
    REFUSED(ARGUMENT, "train.steps: no JSON", tapetum_workflow_set(workflow, "train.steps", "many"));
    MUST(tapetum_workflow_free(&workflow));
}

static void reports(void)
{
    tapetum_array any = series();
    double number = 0.0;
    const char *text = NULL;
    size_t count = 0;
    MUST(tapetum_connectivity(device, &any, 1, NULL, &results));
    MUST(tapetum_results_count(results, &count));
    MUST(tapetum_results_name(results, 0, &text));
    CHECK(count == 1 && strcmp(text, "values") == 0);
    REFUSED(ARGUMENT, "index: 1 of 1 arrays, counted from 0", tapetum_results_name(results, 1, &text));
    REFUSED(ARGUMENT, "name: no array is called `value`: there are values", tapetum_results_array(results, "value", &any));
    REFUSED(ARGUMENT, "pointer: the report has nothing at `/rank`", tapetum_results_number(results, "/rank", &number));
    REFUSED(ARGUMENT, "pointer: a number is expected at `/warnings`, found []", tapetum_results_number(results, "/warnings", &number));
    MUST(tapetum_results_text(results, "", &text));
    CHECK(strcmp(text, "{\"warnings\":[]}") == 0);
    MUST(tapetum_results_free(&results));
}

int main(void)
{
    for (int i = 0; i < TIME * REGIONS; i++)
        samples[i] = sinf((float)i * 78.233f);
    CHECK(strcmp(tapetum_message(), "") == 0 && strchr(tapetum_version(), '.') != NULL);
    MUST(tapetum_device_open("cpu", &device));
    devices();
    handles();
    arrays();
    contents();
    options();
    tapes();
    workflows();
    reports();
    MUST(tapetum_device_free(&device));
    CHECK(tapetum_handles() == 0);
    return EXIT_SUCCESS;
}
