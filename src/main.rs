//! The `tapetum` command.

fn main() -> std::process::ExitCode {
    quiet_drivers();
    tapetum::cli::main()
}

/// Keeps Mesa's drivers from printing "error: XDG_RUNTIME_DIR is invalid or not set in the environment." on standard error, twice, where the
/// variable is not set, as in containers and on clusters. The drivers look there for a Wayland display, which a command that draws nothing
/// does not need: a folder that does not exist says in silence that there is none.
fn quiet_drivers() {
    const RUNTIME: &str = "XDG_RUNTIME_DIR";
    if cfg!(target_os = "linux") && std::env::var_os(RUNTIME).is_none_or(|folder| !std::path::Path::new(&folder).is_absolute()) {
        // SAFETY: this is the first thing that the program does, so that no other thread reads the environment meanwhile.
        unsafe { std::env::set_var(RUNTIME, "/nonexistent") };
    }
}
