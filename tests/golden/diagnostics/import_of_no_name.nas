from "imported/blocks.nas" import f

space s {
  input image: [3, 32, 32]
  y = f(image)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
