/** Errors that user code may throw or catch. The gateway answers each with 500 and logs it with its cause. */

/** Something went wrong while a request was served. */
export class RuntimeError extends Error {
  override name = "RuntimeError";
}

/** The project or its variables are wrong: whoever sent the request can do nothing about it. */
export class ConfigurationError extends Error {
  override name = "ConfigurationError";
}
