/** The form of an API key. What does not have it is never put into a header: the error of a bad header prints it. */
const API_KEY = /^spk_[0-9A-Za-z]{1,64}_[0-9A-Za-z-]{1,256}$/;

export function isApiKey(text: string): boolean {
  return API_KEY.test(text);
}
