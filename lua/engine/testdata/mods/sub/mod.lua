return {deep = ...}
