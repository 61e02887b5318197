// The operations that a first visit opens with, one tab each, in the order of their files' names.
const files = import.meta.glob("../examples/*.graphql", { query: "?raw", import: "default", eager: true });

export const examples = Object.keys(files)
  .sort()
  .map((path) => ({ query: files[path] }));
