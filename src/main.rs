//! The `tapetum` command.

fn main() -> std::process::ExitCode {
    tapetum::cli::main()
}
