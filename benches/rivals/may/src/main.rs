//! The arena's entry on may_minihttp: a coroutine with a stack of its own for each connection.

mod listener;
mod service;

use clap::Parser;
use may_minihttp::HttpServiceFactory;
use service::Factory;

/// Words of stack per coroutine: 64 KiB, of which only what is used is ever mapped.
const STACK_LEN: usize = 0x2000;

fn main() -> anyhow::Result<()> {
    let arguments = entry::Arguments::parse();
    arguments.forbid_tls()?;
    arguments.pin_process()?;
    entry::exit_on_signal()?;
    may::config()
        .set_workers(arguments.worker_count())
        .set_stack_size(STACK_LEN)
        .set_worker_pin(false);
    let address = listener::choose_port(arguments.listen)?;
    let server = Factory { limit: arguments.max_body }.start(address)?;
    listener::set_nodelay(address)?;
    arguments.announce(address);
    server.join().map_err(|_| anyhow::anyhow!("the accept loop panicked"))
}
