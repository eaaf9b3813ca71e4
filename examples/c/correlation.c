/* The correlation of two subjects' series, beside a plain loop in double precision. */

#include "must.h"

#include <math.h>

enum { REGIONS = 7, FRAMES = 65, LONGER = 90 };

/* Waves, each slightly delayed relative to the one before, with a trend and some noise. */
static void fill(double *series, size_t frames, double delay)
{
    for (size_t t = 0; t < frames; t++)
        for (size_t r = 0; r < REGIONS; r++) {
            double at = (double)t, noise = sin((double)(t * REGIONS + r) * 78.233);
            series[t * REGIONS + r] = 100.0 + sin(delay * (double)r + 0.3 * at) + 0.01 * at + 0.4 * noise;
        }
}

/* Pearson's correlation of columns a and b. */
static double correlation(const double *series, size_t frames, size_t a, size_t b)
{
    double mean_a = 0.0, mean_b = 0.0, ab = 0.0, aa = 0.0, bb = 0.0;
    for (size_t t = 0; t < frames; t++) {
        mean_a += series[t * REGIONS + a] / (double)frames;
        mean_b += series[t * REGIONS + b] / (double)frames;
    }
    for (size_t t = 0; t < frames; t++) {
        double x = series[t * REGIONS + a] - mean_a, y = series[t * REGIONS + b] - mean_b;
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return ab / sqrt(aa * bb);
}

int main(int argc, char **argv)
{
    static double first[FRAMES * REGIONS], second[LONGER * REGIONS];
    fill(first, FRAMES, 0.8);
    fill(second, LONGER, 0.2);

    /* Series are [time, regions]; subjects may have runs of different lengths. */
    tapetum_array series[2] = {
        {.elements = first, .dtype = TAPETUM_DTYPE_F64, .rank = 2, .shape = {FRAMES, REGIONS}},
        {.elements = second, .dtype = TAPETUM_DTYPE_F64, .rank = 2, .shape = {LONGER, REGIONS}},
    };
    tapetum_device *device = device_of(argc, argv);
    tapetum_results *results = NULL;
    MUST(tapetum_connectivity(device, series, 2, JSON({"kind": "correlation"}), &results));

    /* The matrices lie in the results, and are read where they are. */
    tapetum_array values;
    MUST(tapetum_results_array(results, "values", &values));
    CHECK(values.dtype == TAPETUM_DTYPE_F32 && values.rank == 3);
    CHECK(values.shape[0] == 2 && values.shape[1] == REGIONS && values.shape[2] == REGIONS);
    const float *matrices = values.elements;
    double worst = 0.0;
    for (size_t s = 0; s < 2; s++)
        for (size_t a = 0; a < REGIONS; a++)
            for (size_t b = 0; b < REGIONS; b++) {
                double wanted = s == 0 ? correlation(first, FRAMES, a, b) : correlation(second, LONGER, a, b);
                double error = fabs((double)matrices[(s * REGIONS + a) * REGIONS + b] - wanted);
                /* A NaN is never the smaller. */
                worst = error <= worst ? worst : error;
            }
    printf("correlations of 2 subjects, %d regions: the largest error is %.1e\n", REGIONS, worst);
    CHECK(worst < 1e-6);

    MUST(tapetum_results_free(&results));
    MUST(tapetum_device_free(&device));
    CHECK(tapetum_handles() == 0);
    return EXIT_SUCCESS;
}
