extern crop(x, lambda = 1) -> [3, 16, 16] from "heads.layers:Crop"
space s {
  input image: [3, 32, 32]
  y = image >> crop(lambda = 2)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
