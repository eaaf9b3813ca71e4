// Cooperative matrices of 16 x 16 x 16, f16 times f16 added in f32, which subgroups of 32 invocations hold.
const MATRIX = 16u;
const LANES = 32u;
// Vectors from one row of a stage to the next: 16 terms, and 8 halves that keep rows apart in the banks of the memory.
const ROW = 6u;

alias Left = coop_mat16x16<f16, A>;
alias Right = coop_mat16x16<f16, B>;
alias Sum = coop_mat16x16<f32, C>;
