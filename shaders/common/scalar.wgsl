// A kernel's numbers T, and their words U: one at a time.
alias T = f32;
alias U = u32;
