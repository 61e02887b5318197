// The operations that open on the first visit, one tab each, sorted by file name.
const files = import.meta.glob("../examples/*.graphql", { query: "?raw", import: "default", eager: true });

export const examples = Object.keys(files)
  .sort()
  .map((path) => ({ query: files[path] }));
