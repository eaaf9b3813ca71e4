// Cooperative matrices of 8 x 8 x 8, f16 times f16 added in f32, which subgroups of 8 invocations hold.
const MATRIX = 8u;
const LANES = 8u;
// Vectors from one row of a stage to the next: 16 terms.
const ROW = 4u;

alias Left = coop_mat8x8<f16, A>;
alias Right = coop_mat8x8<f16, B>;
alias Sum = coop_mat8x8<f32, C>;
