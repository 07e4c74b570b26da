space s {
  input image: [3, 32, 32]
  y = concat(image, image >> max_pool(k = 3, stride = 2))
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
