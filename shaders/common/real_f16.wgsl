// The type that a kernel computes in: half precision.
enable f16;
alias real = f16;
