// The type that a kernel computes in: half precision. A directive stands before all else, so this is the first of a kernel's snippets.
enable f16;
alias real = f16;
