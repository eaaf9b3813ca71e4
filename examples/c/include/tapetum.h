/*
 * tapetum in C: connectivity, denoising, parcels, topology, workflows and training loops, on any GPU or on the cores of the host.
 *
 * This file is written by cbindgen from the sources in src/bindings/c; do not edit it.
 *
 * Calls. Every call returns a tapetum_status. Where it is not TAPETUM_STATUS_OK, tapetum_message() says in one line what was found and what
 * was expected; it is the message of the last call on this thread that failed. Nothing unwinds into the caller. A NULL that a function does
 * not say it takes is refused, and so is an array whose shape and strides cannot lie in memory.
 *
 * Handles. tapetum_device, tapetum_results, tapetum_workflow, tapetum_tape, tapetum_program and tapetum_state are made by calls that write
 * one into the caller's pointer (NULL where they fail), and are freed by the function named _free, which sets the pointer to NULL; to free
 * NULL does nothing. A handle is a number in the shape of a pointer: one that was freed, is of another kind or was never made is refused,
 * whatever it is. What was made with a handle stays valid when it is freed.
 *
 * Memory. What the library returns as const char *or as elements of a tapetum_array belongs to the handle that it was asked of, and is
 * valid until that handle is freed. What the caller gives is read during the call and never kept.
 *
 * Threads. Every handle may be used from every thread. Calls on one program, one tape or one state wait for each other; results and devices
 * serve any number of threads at once. A progress function is called on the thread of the call that it was given to.
 *
 * Conventions. Text is UTF-8 that ends with a zero byte. Arrays are row-major unless they have strides. In arrays, rows are time, as in
 * files: series are [time, regions]; on a tape, time is the last axis. Units are seconds, hertz and millimetres. A NaN is handed on or
 * refused, never turned into a number.
 */

#ifndef TAPETUM_H
#define TAPETUM_H

#include <stddef.h>
#include <stdint.h>

/**
 * The most axes of an array.
 */
#define TAPETUM_MAX_RANK 8

/**
 * The outcome of a call. Where it is not `TAPETUM_STATUS_OK`, `tapetum_message` says what was found and what was expected.
 */
typedef enum {
  /**
   * The call did what it is for.
   */
  TAPETUM_STATUS_OK = 0,
  /**
   * An argument, an option or the contents of an array are not as expected.
   */
  TAPETUM_STATUS_ARGUMENT = 1,
  /**
   * A file could not be read or written, or its contents are not as expected.
   */
  TAPETUM_STATUS_FILE = 2,
  /**
   * There is no such device, or the device, its driver or a shader failed, or the device was lost.
   */
  TAPETUM_STATUS_DEVICE = 3,
  /**
   * The device is out of memory, or an array is larger than it binds.
   */
  TAPETUM_STATUS_OUT_OF_MEMORY = 4,
  /**
   * A training met a loss that is not finite, or a parameter that is NaN.
   */
  TAPETUM_STATUS_NOT_FINITE = 5,
  /**
   * The caller's progress function ended the computation.
   */
  TAPETUM_STATUS_CANCELLED = 6,
  /**
   * The library failed by a fault of its own. The handles that the call used may be freed.
   */
  TAPETUM_STATUS_PANIC = 7,
} tapetum_status;

/**
 * The type of an array's elements.
 */
typedef enum {
  /**
   * `float`.
   */
  TAPETUM_DTYPE_F32 = 0,
  /**
   * `double`.
   */
  TAPETUM_DTYPE_F64 = 1,
  /**
   * `int32_t`.
   */
  TAPETUM_DTYPE_I32 = 2,
  /**
   * `uint32_t`.
   */
  TAPETUM_DTYPE_U32 = 3,
} tapetum_dtype;

/**
 * A device on which things are computed: a GPU, or the cores of the host.
 */
typedef struct tapetum_device tapetum_device;

/**
 * A tape compiled for a device. Its inputs are written and its outputs are read by name.
 */
typedef struct tapetum_program tapetum_program;

/**
 * The results of a computation: arrays by name, and a report in JSON.
 */
typedef struct tapetum_results tapetum_results;

/**
 * The values that last between steps, by name: parameters, moments of optimisers, the number of steps. Programs on one device share it.
 */
typedef struct tapetum_state tapetum_state;

/**
 * A recorded computation, whose values have names: inputs, parameters, and the blocks of workflows, which `examples/WORKFLOWS.md`
 * describes. It knows no device. On a tape, time is the last axis: series are `[regions, time]`.
 */
typedef struct tapetum_tape tapetum_tape;

/**
 * A workflow described in JSON, with its seed, settings and arrays.
 */
typedef struct tapetum_workflow tapetum_workflow;

/**
 * An array: where its elements lie, their type, and its shape, outermost axis first.
 *
 * Set it to zero, then what is needed: `tapetum_array series = {.elements = x, .dtype = TAPETUM_DTYPE_F32, .rank = 2, .shape = {time,
 * regions}};`. An array that is given to a function is read during the call and never kept. An array that a function returns points into
 * what it is of, and is valid until that is freed.
 */
typedef struct {
  /**
   * The element at the beginning of every axis. It may be NULL where an extent is 0.
   */
  const void *elements;
  /**
   * A `tapetum_dtype`.
   */
  uint32_t dtype;
  /**
   * The number of axes, from 0 (a scalar) to `TAPETUM_MAX_RANK`.
   */
  uint32_t rank;
  /**
   * The extent of each axis.
   */
  size_t shape[TAPETUM_MAX_RANK];
  /**
   * The number of elements, not of bytes, from one index of each axis to the next. They may be negative. All 0 stands for row-major
   * order without gaps.
   */
  ptrdiff_t strides[TAPETUM_MAX_RANK];
} tapetum_array;

/**
 * A function that is told of progress: the fold, counted from 0, the number of steps that are done, and the loss at the last of them. It
 * returns 0 to go on; any other number ends the computation, with `TAPETUM_STATUS_CANCELLED`.
 *
 * It is called on the thread of the call that it was given to, with the caller's `user`. It may call the library, and must return: neither
 * an exception nor `longjmp` may leave it.
 */
typedef int32_t (*tapetum_progress)(void *user, size_t fold, uint32_t step, float loss);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The message of the last call on this thread that failed; empty where none did. It is valid until the next call on this thread that
 * fails.
 */
const char *tapetum_message(void);

/**
 * The number of handles that were made and not freed, of all threads: a program that frees what it makes ends with 0.
 */
size_t tapetum_handles(void);

/**
 * The number of arrays of results.
 */
tapetum_status tapetum_results_count(tapetum_results *results, size_t *count);

/**
 * The name of an array of results by its index, counted from 0. The text is valid until the results are freed.
 */
tapetum_status tapetum_results_name(tapetum_results *results,
                                    size_t index,
                                    const char **name);

/**
 * An array of results, without a copy: `array` points into the results, and is valid until they are freed.
 */
tapetum_status tapetum_results_array(tapetum_results *results,
                                     const char *name,
                                     tapetum_array *array);

/**
 * Copies an array of results, row-major, into memory that has room for `capacity` elements of type `dtype`: that of the array, or `double`
 * for `float`.
 */
tapetum_status tapetum_results_copy(tapetum_results *results,
                                    const char *name,
                                    void *elements,
                                    uint32_t dtype,
                                    size_t capacity);

/**
 * A number of the report by its JSON pointer (RFC 6901), such as `/metrics/accuracy/pooled`. What is null or another kind of value is
 * refused.
 */
tapetum_status tapetum_results_number(tapetum_results *results,
                                      const char *pointer,
                                      double *number);

/**
 * A part of the report by its JSON pointer: a text as it is, anything else in JSON. The empty pointer is the whole report. The text is
 * valid until the results are freed.
 */
tapetum_status tapetum_results_text(tapetum_results *results,
                                    const char *pointer,
                                    const char **text);

/**
 * Frees results, with every array and text that points into them, and sets the handle to NULL.
 */
tapetum_status tapetum_results_free(tapetum_results **results);

/**
 * The JSON Schema of what a function takes as text, as the report of results: `of` is `connectivity`, `denoise`, `parcellate`,
 * `distance` or `cluster` for options, and `workflow`, `parameter`, `block` or `train`.
 */
tapetum_status tapetum_schema(const char *of,
                              tapetum_results **results);

/**
 * The version of the library, such as `0.1.0`.
 */
const char *tapetum_version(void);

/**
 * Lists the adapters of this machine in the report of results: a list of objects with `index`, `name`, `backend`, `kind`, `driver`,
 * `usable`, and `auto`, true for the one that the name `auto` takes.
 */
tapetum_status tapetum_devices(tapetum_results **results);

/**
 * Opens a device by name: `auto` (a GPU where there is one, else the cores of the host), `cpu`, or an adapter by its index or part of its
 * name. NULL stands for `auto`. To open a device takes a while: open it once.
 */
tapetum_status tapetum_device_open(const char *name,
                                   tapetum_device **device);

/**
 * The name of the adapter, or `cpu`. The text is valid until the device is freed.
 */
tapetum_status tapetum_device_name(tapetum_device *device, const char **name);

/**
 * Frees a device and sets the handle to NULL. What was made with it stays valid.
 */
tapetum_status tapetum_device_free(tapetum_device **device);

/**
 * Connectivity of series: one array `[time, regions]`, `float` or `double`, for each of `count` subjects, whose lengths may differ.
 *
 * `options` is NULL or JSON: `kind` (`correlation`, `covariance`, `partial-correlation`, `precision` or `tangent`), `shrinkage` (`none`,
 * `ledoit-wolf`, `oas` or `{"ridge": x}`), `fisher_z`, `vectorise` (`kept` or `dropped`, what becomes of the diagonal), `tolerance` and
 * `unconverged` (of the mean of tangents).
 *
 * The results have `values`, `float` `[subjects, regions, regions]`, or `[subjects, entries]` where it is vectorised. The report has
 * `warnings`, a list of texts to read before trusting the numbers.
 */
tapetum_status tapetum_connectivity(tapetum_device *device,
                                    const tapetum_array *series,
                                    size_t count,
                                    const char *options,
                                    tapetum_results **results);

/**
 * Series of a run, `[time, regions]`, without their confounds, `[time, columns]`, which may be NULL.
 *
 * `options` is NULL or JSON: `names` (of the columns, as fMRIPrep has them), `strategy` (such as `36p`), `columns` (names) or `formula`
 * choose the confounds, which are all where none is given; `high_pass` and `low_pass` in hertz with `tr` in seconds; `detrend`;
 * `censor_fd` in millimetres; `keep_non_steady_state`; `keep_mean`.
 *
 * The results have `series`, `float` `[frames kept, regions]`, and `kept`, `int32_t` `[time]`, 1 for a frame that was kept. The report
 * has `rank`, the rank of the regression, and `columns`, the names of the confounds.
 */
tapetum_status tapetum_denoise(tapetum_device *device,
                               const tapetum_array *series,
                               const tapetum_array *confounds,
                               const char *options,
                               tapetum_results **results);

/**
 * Soft parcels of a cortex, learnt from series `[time, vertices]` at `coordinates` `[vertices, 3]` on a sphere.
 *
 * `faces`, `int32_t` `[faces, 3]`, are the triangles of the mesh; where it is NULL, a vertex's neighbours are the six nearest. `mask`,
 * `float` `[vertices]`, is not 0 for vertices that get a parcel; NULL for all. `options` is JSON: `parcels` (which must be given), `steps`
 * (300) and `seed` (0). `progress` may be NULL.
 *
 * The results have `labels`, `int32_t` `[vertices]`, the parcel of each vertex or -1; `memberships`, `float` `[parcels, vertices]` of the
 * vertices that have one; and `losses`, `float` `[steps]`.
 */
tapetum_status tapetum_parcellate(tapetum_device *device,
                                  const tapetum_array *series,
                                  const tapetum_array *coordinates,
                                  const tapetum_array *faces,
                                  const tapetum_array *mask,
                                  const char *options,
                                  tapetum_progress progress,
                                  void *user,
                                  tapetum_results **results);

/**
 * The births of components and the deaths of cycles of graphs: symmetric `weights`, `float` or `double`, `[nodes, nodes]` or `[graphs,
 * nodes, nodes]`, as a threshold on them rises. Weights of an edge that only rounding parts, up to 1e-6 of the larger, count as their
 * mean.
 *
 * The results have `births`, `float` `[graphs, nodes - 1]`, and `deaths`, `float` `[graphs, (nodes - 1)(nodes - 2) / 2]`; each row
 * ascends.
 */
tapetum_status tapetum_births_deaths(tapetum_device *device,
                                     const tapetum_array *weights,
                                     tapetum_results **results);

/**
 * The distances of every graph of `a` to every graph of `b`, or among those of `a` where `b` is NULL. Graphs are as in
 * `tapetum_births_deaths`; those of different size are compared by their lists filled up.
 *
 * `options` is NULL or JSON: `dimension` (`components`, `cycles` or `both`), `order` (2), the power r of |x - y| that is summed over
 * sorted births or deaths, and `root`, whether the r-th root is taken.
 *
 * The results have `distances`, `double` `[graphs of a, graphs of b]`.
 */
tapetum_status tapetum_distance(tapetum_device *device,
                                const tapetum_array *a,
                                const tapetum_array *b,
                                const char *options,
                                tapetum_results **results);

/**
 * Clusters graphs, `weights` `[graphs, nodes, nodes]`, by topology and by the weights of edges.
 *
 * `options` is JSON: `clusters` (which must be given), `topology` (1; 0 for the weights of edges alone), `seed` (0), `rounds` (300) and
 * `initial`, the graphs that are the first centres.
 *
 * The results have `clusters`, `int32_t` `[graphs]`. The report has `inertia`, the sum of squared distances to the centres, and
 * `converged`.
 */
tapetum_status tapetum_cluster(tapetum_device *device,
                               const tapetum_array *weights,
                               const char *options,
                               tapetum_results **results);

/**
 * A workflow in a file, which is read when it is checked or run. Files that it names are looked for beside it.
 */
tapetum_status tapetum_workflow_of_file(const char *path,
                                        tapetum_workflow **workflow);

/**
 * A workflow in a text of JSON. Files that it names are looked for in `folder`; NULL stands for the folder that the process is in.
 */
tapetum_status tapetum_workflow_of_text(const char *text,
                                        const char *folder,
                                        tapetum_workflow **workflow);

/**
 * Sets the seed of whatever is random; it is 0 otherwise.
 */
tapetum_status tapetum_workflow_seed(tapetum_workflow *workflow, uint64_t seed);

/**
 * Sets the value at a place of the workflow, such as `train.steps` or `blocks[2].ridge`, to a value in JSON.
 */
tapetum_status tapetum_workflow_set(tapetum_workflow *workflow,
                                    const char *place,
                                    const char *value);

/**
 * Gives the workflow an array, which an entry `{"input": NAME}` of its data takes: series `[subjects, time, regions]`, an array
 * `[subjects, ..]`, or one that all subjects share. It is copied.
 */
tapetum_status tapetum_workflow_array(tapetum_workflow *workflow,
                                      const char *name,
                                      const tapetum_array *array);

/**
 * Reads a workflow and checks all of it: what can be known beforehand. The report of the results has `subjects`, `steps`, `folds` (lists
 * of `train` and `test`, indices of subjects) and `warnings`.
 */
tapetum_status tapetum_workflow_check(tapetum_workflow *workflow,
                                      tapetum_results **results);

/**
 * Runs a workflow: trains a model for each fold and evaluates it. `progress` may be NULL.
 *
 * The results have the values that the workflow asks for, by name, and `losses.FOLD.TERM`, `float` `[steps]`, for each fold (counted
 * from 0) and each term of the loss; `losses.FOLD.loss` is their sum. The report has `metrics`, by name, with lists `train` and `test`
 * of a number for each fold, and `pooled` (null where one is undefined, with the reason in the list `undefined`); `folds`; `names`, of
 * the regions along the axes of values; `warnings`; `condition`, the largest condition number of what is inverted, null where nothing is
 * or it is infinite; and `on_host`, true where the cores took the place of a device that does not hold that condition.
 */
tapetum_status tapetum_workflow_run(tapetum_workflow *workflow,
                                    tapetum_device *device,
                                    tapetum_progress progress,
                                    void *user,
                                    tapetum_results **results);

/**
 * Frees a workflow and sets the handle to NULL. Its results stay valid.
 */
tapetum_status tapetum_workflow_free(tapetum_workflow **workflow);

/**
 * Begins a tape. `seed` is that of the first values of parameters.
 */
tapetum_status tapetum_tape_new(uint64_t seed, tapetum_tape **tape);

/**
 * An input, which the caller fills before a step, of the type and shape of an array whose elements are not read. `double` stands for a
 * value in single precision.
 */
tapetum_status tapetum_tape_input(tapetum_tape *tape,
                                  const char *name,
                                  const tapetum_array *like);

/**
 * A parameter, described in JSON as in a workflow: `{"shape": [3, "series[0]"], "init": {"normal": 0.1}, "domain": "free"}`. Its state is
 * called `parameters.NAME`.
 */
tapetum_status tapetum_tape_parameter(tapetum_tape *tape,
                                      const char *name,
                                      const char *described);

/**
 * A state with its first value, which lasts between steps; `tapetum_tape_assign` says what it is after one.
 */
tapetum_status tapetum_tape_state(tapetum_tape *tape,
                                  const char *name,
                                  const tapetum_array *first);

/**
 * Says by name what value a state has after a step.
 */
tapetum_status tapetum_tape_assign(tapetum_tape *tape, const char *state, const char *value);

/**
 * A constant array, which is copied.
 */
tapetum_status tapetum_tape_array(tapetum_tape *tape,
                                  const char *name,
                                  const tapetum_array *array);

/**
 * Records a block, described in JSON as in a workflow: `{"name": "connectome", "block": "correlation", "series": "series"}`. The result
 * has the name of the block.
 */
tapetum_status tapetum_tape_block(tapetum_tape *tape,
                                  const char *described);

/**
 * Records the gradient of the scalar `of` with respect to `count` values `wrt`, each under the name of the same place in `names`.
 */
tapetum_status tapetum_tape_gradient(tapetum_tape *tape,
                                     const char *of,
                                     const char *const *wrt,
                                     const char *const *names,
                                     size_t count);

/**
 * Records a training step, in which every parameter that learns descends the gradient of the scalar `loss`. It is described in JSON, as
 * `train` of a workflow: `{"steps": 150, "rate": 0.1, "optimiser": "adam"}`, with `clip`, `decay`, `beta1`, `beta2` or `momentum`; the
 * rate may follow the step, as in `{"cosine": [0.4, 0.04]}`. The state `loss` keeps the losses of that many steps.
 */
tapetum_status tapetum_tape_descend(tapetum_tape *tape,
                                    const char *loss,
                                    const char *described);

/**
 * The type and shape of a value. `array` gets no elements: these are in programs.
 */
tapetum_status tapetum_tape_type(tapetum_tape *tape, const char *name, tapetum_array *array);

/**
 * Frees a tape and sets the handle to NULL. Programs that were compiled from it stay valid.
 */
tapetum_status tapetum_tape_free(tapetum_tape **tape);

/**
 * An empty state on a device, for `tapetum_program_compile`.
 */
tapetum_status tapetum_state_new(tapetum_device *device, tapetum_state **state);

/**
 * The names that a state holds, sorted, as the report of results: a list of texts.
 */
tapetum_status tapetum_state_names(tapetum_state *state, tapetum_results **results);

/**
 * The type and shape of what a state holds under a name. `array` gets no elements.
 */
tapetum_status tapetum_state_type(tapetum_state *state, const char *name, tapetum_array *array);

/**
 * Copies what a state holds under a name, row-major, into memory that has room for `capacity` elements of type `dtype`: its own, or
 * `double` for `float`.
 */
tapetum_status tapetum_state_read(tapetum_state *state,
                                  const char *name,
                                  void *elements,
                                  uint32_t dtype,
                                  size_t capacity);

/**
 * Sets what a state holds under a name: something new, or of the type that it had.
 */
tapetum_status tapetum_state_write(tapetum_state *state,
                                   const char *name,
                                   const tapetum_array *array);

/**
 * Writes a state to a file of safetensors, whole or not at all.
 */
tapetum_status tapetum_state_save(tapetum_state *state, const char *path);

/**
 * Takes a state from a file, which must hold what the state holds, no more and no less: compile its program first.
 */
tapetum_status tapetum_state_load(tapetum_state *state,
                                  const char *path);

/**
 * Frees a state and sets the handle to NULL. Programs on it stay valid.
 */
tapetum_status tapetum_state_free(tapetum_state **state);

/**
 * Compiles what `count` outputs, by name, and the training of a tape need. `state` is shared with other programs; where it is NULL, the
 * program has one of its own. The tape may go on, or be freed: the program does not see it.
 */
tapetum_status tapetum_program_compile(tapetum_device *device,
                                       tapetum_tape *tape,
                                       const char *const *outputs,
                                       size_t count,
                                       tapetum_state *state,
                                       tapetum_program **program);

/**
 * Fills an input, which keeps its value until it is filled again. The array is copied: the caller may change it afterwards.
 */
tapetum_status tapetum_program_write(tapetum_program *program,
                                     const char *input,
                                     const tapetum_array *array);

/**
 * Runs steps; on a GPU in one submission, and the call returns when they are submitted.
 */
tapetum_status tapetum_program_steps(tapetum_program *program, size_t count);

/**
 * Waits until the steps that were submitted are done.
 */
tapetum_status tapetum_program_wait(tapetum_program *program);

/**
 * The type and shape of a value. `array` gets no elements.
 */
tapetum_status tapetum_program_type(tapetum_program *program,
                                    const char *name,
                                    tapetum_array *array);

/**
 * Copies an output as the last step left it, row-major, into memory that has room for `capacity` elements of type `dtype`: that of the
 * output, or `double` for `float`.
 */
tapetum_status tapetum_program_read(tapetum_program *program,
                                    const char *output,
                                    void *elements,
                                    uint32_t dtype,
                                    size_t capacity);

/**
 * The state of a program, as a handle of its own.
 */
tapetum_status tapetum_program_state(tapetum_program *program, tapetum_state **state);

/**
 * Frees a program and sets the handle to NULL.
 */
tapetum_status tapetum_program_free(tapetum_program **program);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TAPETUM_H */
