// Monaco and Radix create <style> elements. The content security policy allows only those that carry this page's nonce.
const nonce = document.querySelector("meta[name=style-nonce]").nonce;
const createElement = document.createElement.bind(document);

document.createElement = (name, options) => {
  const element = createElement(name, options);
  if (element instanceof HTMLStyleElement) element.nonce = nonce;
  return element;
};
