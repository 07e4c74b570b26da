extern f(x) -> [3, 32] from "package.module:Class"

space s {
  input image: [3, 32, 32]
  y = f(image)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
