"""Operations from a seed: trees of fields, drawn or authored, and the many ways of writing one."""
