/** What the kit's configuration gives to a worker under test, by name: written in Node (config/), read in the worker. */

/** A private JSON Web Key of this run, with which tests sign as the edge would. Hidden from user code, as all of `SALLYPORT_*`. */
export const TEST_SIGNING_KEY = "SALLYPORT_TEST_SIGNING_KEY";

/** Nothing listens there (RFC 6761, section 6.4): requests for it are answered by origin mocks. */
export const TEST_EGRESS_URL = "https://egress.invalid";
