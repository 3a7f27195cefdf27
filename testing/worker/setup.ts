/** Loaded before each file of tests, and so before the gateway. */
import { interceptFetch } from "./outbound.ts";

interceptFetch();
