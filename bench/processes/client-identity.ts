/** What a load process needs to come to the edge as a client with a certificate. */
export interface ClientIdentity {
  /** Sent as SNI */
  servername: string;
  /** PEM of the CA that the server's certificate must come from */
  ca: string;
  /** PEM of the client certificate */
  cert: string;
  /** PEM of its private key */
  key: string;
}
