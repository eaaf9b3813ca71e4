// What a kernel computes in: single precision.
alias real = f32;
