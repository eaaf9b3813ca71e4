// The type that a kernel computes in: single precision.
alias real = f32;
