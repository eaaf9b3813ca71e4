// The page's side of the worker in which the engine computes. A call is a promise; `on` receives what comes before it is fulfilled.

export class EngineError extends Error {
  constructor({ name, message }) {
    super(message);
    this.name = name;
  }
}

export class EngineWorker {
  #worker;
  #calls = new Map();
  #next = 0;

  constructor() {
    this.#begin();
  }

  #begin() {
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onerror = (event) => this.#fail({ name: 'Stopped', message: event.message || 'the engine did not start' });
  }

  #receive({ id, event, result, error }) {
    const call = this.#calls.get(id);
    if (!call) return;
    if (event !== undefined) return call.on?.(event);
    this.#calls.delete(id);
    if (error) call.reject(new EngineError(error));
    else call.resolve(result);
  }

  #fail(error) {
    for (const call of this.#calls.values()) call.reject(new EngineError(error));
    this.#calls.clear();
  }

  /** Calls `method` of the worker. */
  call(method, args = {}, on = undefined, transfer = []) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject, on });
      this.#worker.postMessage({ id, method, args }, transfer);
    });
  }

  /** Ends the worker, whatever it computes, and begins a new one. */
  restart() {
    this.#worker.terminate();
    this.#fail({ name: 'Stopped', message: 'stopped' });
    this.#begin();
  }
}
